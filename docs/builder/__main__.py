"""`make docs`: the manual into build/site. `make pictures`: the drawings and screens in docs/pictures, made anew."""

from __future__ import annotations

import sys


def main(words: list[str]) -> int:
    """Build the site, or with the word ``pictures`` what is drawn in it; 1 when a link leads nowhere."""
    from docs.builder.blocks import ROOT

    if words == ["pictures"]:
        from docs.builder.pictures import draw

        print("\n".join(str(path.relative_to(ROOT)) for path in draw()))
        return 0
    from docs.builder.site import DeadLinks, build

    try:
        count = build(ROOT / "build" / "site")
    except DeadLinks as dead:
        print(dead, file=sys.stderr)
        return 1
    print(f"{count} pages; begin at build/site/index.html")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
