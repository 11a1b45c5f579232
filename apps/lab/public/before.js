// Before anything is painted: what stands in another page shows no bars, in the colours that its link says.
const asked = new URLSearchParams(window.location.search);
const theme = asked.get("theme");
if (asked.has("embed")) document.documentElement.dataset.embed = "";
if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
