// The search of the site: a script that works from a disk, over an index that is a script too (it sets `resolventSearch`).
/* global resolventSearch */
const query = document.querySelector("#query");
const found = document.querySelector("#found");
const top_ = document.body.dataset.top;

/** Entries that have all words, each as the beginning of one of theirs; those with them in their title first. */
function search(text) {
  const words = text.toLowerCase().match(/[\p{L}\p{N}_.]+/gu) ?? [];
  if (words.length === 0) return [];
  return resolventSearch
    .map((entry) => {
      const title = ` ${entry.title} ${entry.heading}`.toLowerCase();
      const body = ` ${entry.text}`.toLowerCase();
      let score = 0;
      for (const word of words) {
        const named = entry.heading.toLowerCase() === word ? 30 : 0;
        const own = named || (title.includes(` ${word}`) ? 10 : title.includes(word) ? 4 : 0);
        const times = body.split(` ${word}`).length - 1 || (body.includes(word) ? 0.5 : 0);
        if (own + times === 0) return { entry, score: 0 };
        score += own + Math.min(times, 5);
      }
      return { entry, score: entry.section === "API" ? score / 3 : score };
    })
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .slice(0, 12)
    .map(({ entry }) => entry);
}

function show() {
  const entries = search(query.value);
  found.replaceChildren(
    ...entries.map(({ place, anchor, title, heading }) => {
      const item = document.createElement("li");
      const link = document.createElement("a");
      link.href = `${top_}/${place}${anchor === "" ? "" : `#${anchor}`}`;
      link.textContent = heading === "" ? title : `${title}: ${heading}`;
      item.append(link);
      return item;
    }),
  );
  if (entries.length === 0) {
    const item = document.createElement("li");
    item.textContent = "Nothing has all of these words.";
    found.append(item);
  }
  found.hidden = query.value.trim() === "";
}

query.addEventListener("input", show);
query.addEventListener("keydown", ({ key }) => {
  if (key === "Escape") {
    query.value = "";
    show();
  }
  if (key === "Enter") found.querySelector("a")?.click();
});
