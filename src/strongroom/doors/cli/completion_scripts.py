"""What `strongroom completion SHELL` prints: each script asks the program what could stand next, and quotes it.

An item's name may hold anything, also what a shell would run: no script hands one to `eval`, to a word
list that is expanded or to anything else that looks into it.
"""

from __future__ import annotations

BASH = r"""# Completion of strongroom for bash 4 and newer. Load it from ~/.bashrc: eval "$(strongroom completion bash)"
_strongroom() {
    # The words as bash will see them, quotes removed; COMP_WORDS is split at colons and keeps the quotes.
    local rest=${COMP_LINE:0:COMP_POINT} word="" raw="" quote="" char line kind head piece text
    local -a words=() lines=()
    while [[ -n $rest ]]; do
        char=${rest:0:1} rest=${rest:1} raw+=$char
        if [[ $char == "\\" && $quote != "'" ]]; then
            word+=${rest:0:1} raw+=${rest:0:1} rest=${rest:1}
        elif [[ -n $quote ]]; then
            if [[ $char == "$quote" ]]; then quote=""; else word+=$char; fi
        elif [[ $char == "'" || $char == '"' ]]; then
            quote=$char
        elif [[ $char == [[:space:]] ]]; then
            if [[ $raw != "$char" ]]; then words+=("$word"); fi
            word="" raw=""
        else
            word+=$char
        fi
    done
    words+=("$word")
    mapfile -t lines < <(strongroom completion words -- "${words[@]:1}" 2> /dev/null)
    kind=${lines[0]}
    COMPREPLY=()
    case $kind in
        files) compopt -o default; return ;;
        commands) mapfile -t COMPREPLY < <(compgen -c -- "$word"); return ;;
    esac
    # Bash replaces only what stands behind the last colon or equals sign.
    piece=${COMP_WORDS[COMP_CWORD]}
    if [[ $piece == [:=] ]]; then piece=""; fi
    head=""
    if [[ -z $quote && $raw != "$piece" && $word == *"$piece" ]]; then head=${word:0:${#word}-${#piece}}; fi
    for line in "${lines[@]:1}"; do
        text=${line%%$'\t'*}
        text=${text:${#head}}
        if [[ $text == */ ]]; then compopt -o nospace; fi
        case $quote in
            "'") text=${text//\'/\'\\\'\'} ;;
            '"') text=${text//\\/\\\\} text=${text//\"/\\\"} text=${text//\$/\\\$} text=${text//\`/\\\`} ;;
            *) printf -v text %q "$text" ;;
        esac
        COMPREPLY+=("$text")
    done
}
complete -F _strongroom strongroom
"""

ZSH = r"""#compdef strongroom
# Completion of strongroom for zsh. Keep it as _strongroom in a directory of $fpath, or load it behind compinit
# from ~/.zshrc: eval "$(strongroom completion zsh)"
_strongroom() {
    local -a lines names folders name_words folder_words
    local line text said
    lines=("${(@f)$(strongroom completion words -- "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2> /dev/null)}")
    case $lines[1] in
        files)
            compset -P '--*='
            _files
            return ;;
        commands)
            _command_names -e
            return ;;
    esac
    for line in "${(@)lines[2,-1]}"; do
        text=${line%%$'\t'*}
        said=${line#*$'\t'}
        [[ -n $said ]] && said="$text  -- $said" || said=$text
        if [[ $text == */ ]]; then
            folders+=("$text") folder_words+=("$said")
        else
            names+=("$text") name_words+=("$said")
        fi
    done
    (( $#names )) && compadd -l -d name_words -a names
    (( $#folders )) && compadd -S '' -d folder_words -a folders
    return 0
}
if [[ ${funcstack[1]} == _strongroom ]]; then
    _strongroom "$@"
else
    compdef _strongroom strongroom
fi
"""

FISH = r"""# Completion of strongroom for fish. Load it from config.fish: strongroom completion fish | source
function __strongroom_complete
    set -l before (commandline -opc)
    set -l token (commandline -ct)
    # A quote that is still open cannot be taken off as one.
    set -l current (string unescape -- $token; or string replace -r '^["\']' '' -- $token)
    set -l lines (strongroom completion words -- $before[2..-1] "$current" 2>/dev/null)
    switch "$lines[1]"
        case files
            __fish_complete_path $current
        case commands
            complete -C $current
        case '*'
            printf '%s\n' $lines[2..-1]
    end
end
complete -c strongroom -f -a '(__strongroom_complete)'
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}
