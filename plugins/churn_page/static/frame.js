// The page stands in a frame of Airflow's UI. Two things a frame cannot do by itself:
// 1. It follows the dark or light mode that was chosen in Airflow, not the one of the system.
// 2. Its sandbox may neither leave the frame nor open a window, so a link to a DAG run or to MLflow
//    is clicked in Airflow's own document. Without this script such a link opens in the frame.
"use strict";

const outside = window.parent === window ? null : window.parent.document;

if (outside) {
  const follow = () => {
    const dark = outside.documentElement.classList.contains("dark");
    document.documentElement.dataset.theme = dark ? "dark" : "light";
  };
  follow();
  new MutationObserver(follow).observe(outside.documentElement, { attributeFilter: ["class"] });

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a.outer");
    if (!link) return;
    event.preventDefault();
    const twin = outside.createElement("a");
    twin.href = link.href;
    if (new URL(link.href).origin !== location.origin) {
      twin.target = "_blank";
      twin.rel = "noopener noreferrer";
    }
    outside.body.append(twin);
    twin.click();
    twin.remove();
  });
}
