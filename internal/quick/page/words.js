"use strict";

// How the page says something in elements.

const at = id => document.getElementById(id);

// make makes an element, with texts and elements in it.
function make(name, attributes, ...inside) {
	const made = document.createElement(name);
	for (const [key, text] of Object.entries(attributes)) made.setAttribute(key, text);
	made.append(...inside);
	return made;
}

// say changes a text that is read out, if it is another one.
function say(id, text) {
	if (at(id).textContent !== text) at(id).textContent = text;
}

const clock = () => new Date().toTimeString().slice(0, 8);
