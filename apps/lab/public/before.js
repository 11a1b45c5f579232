// Before anything is painted: what stands in another page shows no bars, in the colours that its link says.
const asked = new URLSearchParams(window.location.search);
const theme = asked.get("theme");
if (asked.has("embed")) document.documentElement.dataset.embed = "";
if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;

// The page's own script is fetched and compiled meanwhile, and runs once the picture in the page is painted.
const painted = new Promise((resolve) => {
  // What nobody sees is not painted.
  if (document.visibilityState === "hidden") resolve();
  else requestAnimationFrame(() => setTimeout(resolve));
});
const read = new Promise((resolve) => {
  document.addEventListener("DOMContentLoaded", resolve);
});
Promise.all([painted, read]).then(() => {
  for (const link of document.querySelectorAll("link[data-start]")) {
    const script = document.createElement("script");
    script.type = "module";
    script.crossOrigin = "";
    script.src = link.href;
    document.head.append(script);
  }
});
