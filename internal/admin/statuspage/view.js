// Which feeds are listed, and in which order. The server filters and sorts, so that of 10,000 feeds the page has fifty.

const size = 50; // feeds on a page of them
const view = {filter: "", sort: "urgency", offset: 0, ...Object.fromEntries(new URLSearchParams(location.search))};
const sorts = [...document.querySelectorAll("[data-sort]")].flatMap(button => [button.dataset.sort, "-" + button.dataset.sort]).concat([...at("sort").options].map(option => option.value));
if (!sorts.includes(view.sort)) view.sort = "urgency";
view.offset = Math.min(Math.max(parseInt(view.offset, 10) || 0, 0), 100000);

// asked is the view as parameters: those of the server, or those of this page's address.
function asked(parameters) {
	if (view.filter) parameters.set("filter", view.filter);
	if (view.sort !== "urgency") parameters.set("sort", view.sort);
	if (view.offset) parameters.set("offset", view.offset);
	return parameters.toString();
}

// look changes the view.
function look(changes) {
	Object.assign(view, {offset: 0}, changes);
	const query = asked(new URLSearchParams());
	history.replaceState(null, "", query ? "?" + query : location.pathname);
	showOrder();
	connect();
}

// showOrder shows in the table's head and in the list how feeds are sorted.
function showOrder() {
	for (const button of document.querySelectorAll("[data-sort]")) {
		const up = view.sort === "-" + button.dataset.sort, here = up || view.sort === button.dataset.sort;
		const words = button.dataset.sort === "request" ? ["ascending", "descending"] : ["descending", "ascending"];
		if (here) button.parentElement.setAttribute("aria-sort", words[+up]);
		else button.parentElement.removeAttribute("aria-sort");
	}
	at("sort").value = view.sort; // empty where the list does not have it
}

function showRange(snapshot) {
	const {matching, feeds} = snapshot, last = view.offset + feeds.length;
	if (matching > 0 && feeds.length === 0 && view.offset > 0) { // there are fewer than there were
		look({offset: Math.floor((matching - 1) / size) * size});
		return;
	}
	const range = matching === 0 ? (view.filter ? "No feed has all of these words." : "There is no feed.")
		: `${number(view.offset + 1)} to ${number(last)} of ${plural(matching, "feed", "feeds")}` + (view.filter ? ` with these words, ${number(snapshot.total.feeds)} in all` : "");
	if (at("range").textContent !== range) at("range").textContent = range;
	at("pages").classList.toggle("one", matching <= size);
	at("previous").setAttribute("aria-disabled", view.offset === 0);
	at("next").setAttribute("aria-disabled", last >= matching);
}

let typed; // runs while the filter is being typed
at("filter").value = view.filter;
at("filter").addEventListener("input", event => {
	clearTimeout(typed);
	typed = setTimeout(() => look({filter: event.target.value.trim()}), 150);
});
at("sort").addEventListener("change", event => look({sort: event.target.value}));
for (const button of document.querySelectorAll("[data-sort]")) {
	const sort = button.dataset.sort;
	button.addEventListener("click", () => look({sort: view.sort === sort ? "-" + sort : sort}));
}
for (const [id, step] of [["previous", -size], ["next", size]]) {
	at(id).addEventListener("click", () => {
		if (at(id).getAttribute("aria-disabled") !== "true") look({offset: Math.max(view.offset + step, 0)});
	});
}
showOrder();
