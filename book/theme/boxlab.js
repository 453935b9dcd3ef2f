// What mdBook's pages lack for those who hear them or use a keyboard.
(function () {
  "use strict";
  var bar = document.getElementById("mdbook-menu-bar");
  if (bar) { bar.setAttribute("role", "banner"); }
  // The label opens the contents by mouse only, and may carry no name and no state: a button may.
  var label = document.getElementById("mdbook-sidebar-toggle");
  var box = document.getElementById("mdbook-sidebar-toggle-anchor");
  if (label && box) {
    var button = document.createElement("button");
    button.className = label.className;
    button.type = "button";
    button.title = label.title;
    button.setAttribute("aria-label", label.title);
    button.setAttribute("aria-controls", "mdbook-sidebar");
    button.innerHTML = label.innerHTML;
    button.addEventListener("click", function () { label.click(); });
    label.removeAttribute("aria-label");
    label.after(button);
    label.hidden = true;
    label.style.display = "none";
    var tell = function () { button.setAttribute("aria-expanded", String(box.checked)); };
    box.addEventListener("change", tell);
    tell();
  }
  // What scrolls must be reached by keys: known once fonts are there and it is unfolded.
  function reach() {
    document.querySelectorAll("pre, pre code").forEach(function (block) {
      if (block.scrollWidth > block.clientWidth) { block.tabIndex = 0; }
    });
  }
  window.addEventListener("load", reach);
  window.addEventListener("resize", reach);
  document.addEventListener("toggle", reach, true);
  document.fonts.ready.then(reach);
})();
