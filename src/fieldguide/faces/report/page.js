"use strict";
// Draws the charts, keeps the table of contents in step, and switches colours. Charts are SVG coloured by CSS
// variables, so a change of theme needs no redrawing.
(() => {
  const root = document.documentElement;
  const { config, charts } = JSON.parse(document.getElementById("specs").textContent);
  const options = { mode: "vega-lite", actions: false, renderer: "svg", ast: true, config, tooltip: { theme: "fieldguide" } };
  const waiting = new Set(document.querySelectorAll("[data-chart]"));
  const failed = (place, error) => {
    place.textContent = "This chart could not be drawn.";
    console.error(place.dataset.chart, error);
  };
  const draw = async (place) => {
    if (!waiting.delete(place)) return;
    try {
      const labelLimit = Math.max(120, Math.round(0.26 * place.clientWidth)); // names are whole where there is room
      const legend = { ...config.legend, ...(place.clientWidth < 420 ? { columns: 2 } : {}) }; // a row of four would be cut
      await window.vegaEmbed(place, charts[place.dataset.chart], { ...options, config: { ...config, legend, axis: { ...config.axis, labelLimit } } });
    } catch (error) {
      failed(place, error);
    }
  };

  // What can be seen first, then the rest while the browser is idle; a folded chart has no width until it is opened.
  const seen = new IntersectionObserver((entries) => entries.filter((e) => e.isIntersecting).forEach((e) => { seen.unobserve(e.target); draw(e.target); }), { rootMargin: "300px" });
  waiting.forEach((place) => seen.observe(place));
  const visible = () => [...waiting].filter((place) => place.offsetParent !== null);
  const rest = async () => {
    for (const place of visible()) {
      await draw(place);
      await new Promise((done) => setTimeout(done, 0));
    }
    root.dataset.ready = "true";
  };
  (window.requestIdleCallback || setTimeout)(rest);
  document.querySelectorAll("details").forEach((d) => d.addEventListener("toggle", () => {
    if (d.open) visible().forEach(draw);
  }));
  window.addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((d) => { d.open = true; }));

  const button = document.getElementById("theme");
  const order = ["auto", "light", "dark"];
  const remember = (name) => { try { localStorage.setItem("fieldguide-theme", name); } catch { /* a page may have no storage */ } };
  const recall = () => { try { return localStorage.getItem("fieldguide-theme"); } catch { return null; } };
  const show = (name) => {
    if (name === "auto") delete root.dataset.theme; else root.dataset.theme = name;
    button.lastElementChild.textContent = name;
  };
  let theme = order.includes(recall()) ? recall() : "auto";
  show(theme);
  button.addEventListener("click", () => {
    theme = order[(order.indexOf(theme) + 1) % order.length];
    remember(theme);
    show(theme);
  });

  const links = new Map([...document.querySelectorAll(".toc a")].map((a) => [a.hash.slice(1), a]));
  const here = new IntersectionObserver((entries) => {
    const entry = entries.filter((e) => e.isIntersecting).pop();
    if (!entry) return;
    links.forEach((a) => a.removeAttribute("aria-current"));
    const link = links.get(entry.target.id);
    if (!link) return;
    link.setAttribute("aria-current", "true");
    const box = link.closest(".toc");
    if (box.scrollWidth > box.clientWidth) box.scrollTo({ left: link.offsetLeft - 42 });
  }, { rootMargin: "-10% 0px -80% 0px" });
  document.querySelectorAll("header[id], section[id]").forEach((part) => here.observe(part));
})();
