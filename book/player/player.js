// Steps through recorded runs. Without it they are plain text.
(function () {
  "use strict";
  function start(run) {
    var controls = run.querySelector(".boxlab-controls");
    if (!controls || run.classList.contains("boxlab-live")) { return; }
    var list = run.querySelector(".boxlab-stops");
    var stops = Array.prototype.slice.call(run.querySelectorAll(".boxlab-stop"));
    var slider = controls.querySelector("input");
    var place = controls.querySelector(".boxlab-place");
    var explained = run.querySelector(".boxlab-explained");
    var now = -1;
    function show(to, still) {
      to = Math.max(0, Math.min(stops.length - 1, to));
      if (to === now) { return; }
      if (now >= 0) {
        stops[now].classList.remove("boxlab-now");
        stops[now].removeAttribute("aria-current");
      }
      now = to;
      var stop = stops[now];
      stop.classList.add("boxlab-now");
      stop.setAttribute("aria-current", "step");
      explained.innerHTML = stop.querySelector(".boxlab-more").innerHTML;
      slider.value = now + 1;
      place.textContent = (now + 1) + " / " + stops.length;
      controls.querySelectorAll("button").forEach(function (button) {
        var back = button.dataset.go === "first" || button.dataset.go === "back";
        button.setAttribute("aria-disabled", back ? now === 0 : now === stops.length - 1);
      });
      // The list scrolls by itself; the page stays where it is.
      if (!still) {
        var above = stop.offsetTop - list.scrollTop;
        if (above < 0 || above + stop.offsetHeight > list.clientHeight) {
          list.scrollTop = stop.offsetTop - Math.max(0, (list.clientHeight - stop.offsetHeight) / 2);
        }
      }
    }
    function go(where) {
      show({ first: 0, back: now - 1, next: now + 1, last: stops.length - 1 }[where]);
    }
    var keys = { ArrowLeft: "back", ArrowUp: "back", ArrowRight: "next", ArrowDown: "next", Home: "first", End: "last" };
    // mdBook turns pages by the arrow keys: not while they step.
    run.addEventListener("keydown", function (event) {
      if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || !keys[event.key]) { return; }
      go(keys[event.key]);
      event.preventDefault();
      event.stopPropagation();
    });
    controls.addEventListener("click", function (event) {
      var button = event.target.closest("button");
      if (button) { go(button.dataset.go); }
    });
    slider.addEventListener("input", function () { show(Number(slider.value) - 1); });
    stops.forEach(function (stop, index) {
      stop.addEventListener("click", function () { show(index, true); });
    });
    list.tabIndex = 0;
    list.setAttribute("aria-label", run.getAttribute("aria-label"));
    run.classList.add("boxlab-live");
    controls.hidden = false;
    explained.hidden = false;
    show(0, true);
  }
  document.querySelectorAll(".boxlab-run").forEach(start);
})();
