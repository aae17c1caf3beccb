// The service map: what a node needs, and what needs it, stands out while somebody points at it or moves to it.
const map = document.querySelector("[data-map]");

if (map) {
  map.parentElement.scrollLeft = (map.parentElement.scrollWidth - map.parentElement.clientWidth) / 2;
  const ways = [...map.querySelectorAll(".ways path")];
  const nodes = [...map.querySelectorAll("[data-node]")];

  const show = (node) => {
    const near = node ? new Set([...reached(node.dataset.node, "from", "to"), ...reached(node.dataset.node, "to", "from")]) : null;
    for (const each of nodes) each.classList.toggle("aside", Boolean(near) && !near.has(each.dataset.node));
    for (const way of ways) {
      const isNear = Boolean(near) && near.has(way.dataset.from) && near.has(way.dataset.to);
      way.classList.toggle("near", isNear);
      way.classList.toggle("aside", Boolean(near) && !isNear);
    }
  };

  function reached(start, from, to) {
    const found = new Set([start]);
    for (const node of found) {
      for (const way of ways) if (way.dataset[from] === node) found.add(way.dataset[to]);
    }
    return found;
  }

  for (const enter of ["pointerover", "focusin"]) map.addEventListener(enter, (event) => show(event.target.closest("[data-node]")));
  for (const leave of ["pointerleave", "focusout"]) map.addEventListener(leave, () => show(null));
}
