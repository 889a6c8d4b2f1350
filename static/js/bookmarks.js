// The star follows the address, which filters change without a reload; and what is kept is what is shown now.
const PASSING = new Set(["page", "after", "before"]);

function viewNow() {
  const pairs = [...new URLSearchParams(location.search)].filter(([key, value]) => value && !PASSING.has(key));
  pairs.sort(([a, x], [b, y]) => (a < b || (a === b && x < y) ? -1 : 1));
  const query = String(new URLSearchParams(pairs));
  return location.pathname + (query ? `?${query}` : "");
}

function followAddress() {
  const star = document.querySelector("#star");
  if (!star) return;
  star.elements.url.value = location.pathname + location.search;
  const own = [...document.querySelectorAll("#bookmark-menu a[data-own]")].map((link) => link.getAttribute("href"));
  star.querySelector("button").setAttribute("aria-pressed", String(own.includes(viewNow())));
  const query = document.querySelector("[data-current-query]");
  if (query) query.value = location.search.slice(1);
}

document.addEventListener("htmx:after:swap", followAddress);
document.addEventListener("htmx:after:push:into:history", followAddress);
window.addEventListener("popstate", followAddress);
document.addEventListener("submit", followAddress, true);
document.addEventListener("click", (event) => event.target.closest("#star, [data-saved-searches]") && followAddress(), true);
