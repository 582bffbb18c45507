// Search in the page: the index is a file beside it, loaded when somebody searches; nothing leaves the machine.
"use strict";
const top_ = document.currentScript.dataset.top;
const field = document.querySelector("input[type=search]");
const list = document.getElementById("found");
let loading = null;

function load() {
  loading ??= new Promise((done) => {
    const script = document.createElement("script");
    script.src = top_ + "index.js";
    script.onload = done;
    document.head.append(script);
  });
  return loading;
}

function score(section, words) {
  const [, page, title, text] = section.map((part) => part.toLowerCase());
  let sum = 0;
  for (const word of words) {
    const found = (title.includes(word) ? 20 : 0) + (page.includes(word) ? 8 : 0) + (text.includes(word) ? 3 : 0);
    if (!found) return 0;
    sum += found;
  }
  return sum;
}

async function search() {
  const words = field.value.toLowerCase().split(/\s+/).filter((word) => word);
  list.hidden = !words.length;
  if (!words.length) return;
  await load();
  const found = sections.map((section) => [score(section, words), section]).filter(([points]) => points);
  found.sort(([a], [b]) => b - a);
  list.replaceChildren(...found.slice(0, 20).map(([, [place, page, title, text]]) => {
    const link = document.createElement("a");
    link.href = top_ + place;
    const head = document.createElement("b");
    head.textContent = title === page ? page : `${page} · ${title}`;
    const at = Math.max(0, text.toLowerCase().indexOf(words[0]) - 60);
    link.append(head, document.createTextNode(text.slice(at, at + 160)));
    const item = document.createElement("li");
    item.append(link);
    return item;
  }));
  if (!found.length) list.textContent = "nothing found";
}

field.addEventListener("input", search);
field.addEventListener("keydown", (event) => {
  if (event.key === "Escape") { field.value = ""; search(); }
  if (event.key === "Enter") list.querySelector("a")?.click();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== field) { event.preventDefault(); field.focus(); }
});
// On a narrow screen the contents are folded until somebody wants them.
if (matchMedia("(max-width: 60rem)").matches) document.querySelector("nav details").open = false;
document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "center" });
scrollTo(0, 0);
