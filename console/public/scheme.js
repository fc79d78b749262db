// Before anything is drawn: the colour scheme chosen last, so that a dark room stays dark.
(function () {
  var wanted = "auto";
  try {
    wanted = localStorage.getItem("fairlead-scheme") || "auto";
  } catch {
    // no storage: as the system says
  }
  var dark = wanted === "dark" || (wanted !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.setAttribute("data-mantine-color-scheme", dark ? "dark" : "light");
})();
