// Before anything is painted: what stands in another page shows no bars, in the colours that its link says.
const asked = new URLSearchParams(window.location.search);
const theme = asked.get("theme");
if (asked.has("embed")) document.documentElement.dataset.embed = "";
if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;

// From a disk, browsers load neither the style nor the app.
if (window.location.protocol === "file:") {
  document.addEventListener("DOMContentLoaded", () => {
    const told = document.createElement("p");
    told.role = "alert";
    told.textContent =
      "This page was opened as a file, and is only a picture: browsers run it from a server alone. Start one in its folder, such as “npx vite preview --outDir .” or “python3 -m http.server”, and open the address that it says.";
    document.body.prepend(told);
  });
}
