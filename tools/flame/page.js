// SPDX-License-Identifier: BSD-2-Clause
// tools/flame/page.js - what a flame graph does in a browser: zoom, search, keys. svg.c writes the elements.
//
// Names are read as text and written as text, never as markup. Lines that are a comment, like this one, are left out
// of the graphs.
(function () {
'use strict';

// As in svg.c.
const SIDE = 10;
const ROW = 18;
const NARROWEST = 0.1;
const WIDE = 4;
const LEAST_CELLS = 3;

const svg = document.currentScript.ownerSVGElement;
const part = id => svg.querySelector('#' + id);
const wanted = part('wanted'), clear = part('clear'), reset = part('reset'), found = part('found');
const about = part('about'), heading = part('heading'), controls = part('controls'), picture = part('frames');

// ---- The frames, callees after their caller ----

const frames = [];

function read(group, path) {
	const [title, rect, label] = group.children;
	const lines = title.textContent.split('\n');
	const depth = Math.round((rect.getAttribute('y') - top) / ROW);
	const frame = {
		group, rect, label, depth, name: lines[0], figures: lines.slice(1).join('; '),
		index: frames.length, end: frames.length + 1, parent: path[depth - 1],
		left: rect.getAttribute('x') - SIDE, width: +rect.getAttribute('width'),
		now: +group.dataset.now, before: +(group.dataset.before || 0), shown: true
	};
	path[depth] = frame;
	group.frame = frame;
	frames.push(frame);
}

const groups = picture.children;
const top = +groups[0].querySelector('rect').getAttribute('y');
const path = [];
for (const group of groups)
	read(group, path);
// Those that a frame calls, and theirs, are frames[index + 1] up to frames[end].
for (let i = frames.length - 1; i > 0; i--)
	frames[i].parent.end = Math.max(frames[i].parent.end, frames[i].end);

const whole = frames[0];
const isDifference = 'before' in whole.group.dataset;
let zoomed = whole;
let current = whole;

const contains = (outer, inner) => outer.index <= inner.index && inner.index < outer.end;

// ---- Figures ----

function bytes(count) {
	const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
	let unit = 0;
	for (; count >= 1024; unit++)
		count /= 1024;
	return (unit ? (Math.floor(count * 10) / 10).toFixed(1) : count) + ' ' + units[unit];
}

function changed(now, before) {
	return (now < before ? '-' : '+') + bytes(Math.abs(now - before));
}

// ---- Drawing ----

function measure() {
	const probe = document.createElementNS(svg.namespaceURI, 'text');
	probe.textContent = 'm'.repeat(20);
	picture.append(probe);
	const width = probe.getComputedTextLength() / 20;
	probe.remove();
	return width || 7.25;
}

let cell = measure();

function cut(name, room) {
	let kept = '', left = room;
	for (const character of name) {
		const cells = character.codePointAt(0) >= 0x1100 ? 2 : 1;
		if (cells > left) {
			const short = [...kept];
			while (left < 1)
				left += short.pop().codePointAt(0) >= 0x1100 ? 2 : 1;
			return short.join('') + '\u2026';
		}
		kept += character;
		left -= cells;
	}
	return kept;
}

function setLabel(frame, left, width) {
	const cells = Math.floor((width - 6) / cell);
	if (cells < LEAST_CELLS) {
		if (frame.label)
			frame.label.textContent = '';
		return;
	}
	if (!frame.label) {
		frame.label = document.createElementNS(svg.namespaceURI, 'text');
		frame.label.setAttribute('y', +frame.rect.getAttribute('y') + 12);
		frame.group.append(frame.label);
	}
	frame.label.setAttribute('x', left + 3);
	frame.label.textContent = cut(frame.name, cells);
}

function show(frame, shown) {
	if (frame.shown !== shown)
		frame.group.style.display = shown ? '' : 'none';
	frame.shown = shown;
}

function place(frame, left, width) {
	show(frame, width >= NARROWEST);
	if (!frame.shown)
		return;
	frame.rect.setAttribute('x', left);
	frame.rect.setAttribute('width', width);
	frame.group.classList.toggle('wide', width > WIDE);
	setLabel(frame, left, width);
}

function draw() {
	const room = svg.getBoundingClientRect().width - 2 * SIDE;
	const scale = room / zoomed.width;
	for (const frame of frames) {
		const isAround = frame !== zoomed && contains(frame, zoomed);
		frame.group.classList.toggle('around', isAround);
		if (contains(zoomed, frame))
			place(frame, SIDE + (frame.left - zoomed.left) * scale, frame.width * scale);
		else if (isAround)
			place(frame, SIDE, room);
		else
			show(frame, false);
	}
	controls.setAttribute('x', room + SIDE - controls.getAttribute('width'));
	reset.disabled = zoomed === whole;
}

function zoom(frame) {
	zoomed = frame;
	setCurrent(frame);
	draw();
	search();
	tell(frame);
}

// ---- Searching ----

// Without a capital letter, those of names do not matter either; \S and the like are none.
function patternOf(text) {
	return new RegExp(text, /[A-Z]/.test(text.replace(/\\./g, '')) ? '' : 'i');
}

// What hits call is counted with them, and not once more.
function sumHits(pattern) {
	const sum = {count: 0, now: 0, before: 0};
	let counted = 0;
	for (const frame of frames) {
		const isHit = pattern !== null && pattern.test(frame.name);
		frame.group.classList.toggle('hit', isHit);
		if (!isHit || !contains(zoomed, frame))
			continue;
		sum.count++;
		if (frame.index < counted)
			continue;
		counted = frame.end;
		sum.now += frame.now;
		sum.before += frame.before;
	}
	return sum;
}

function sayHits(sum) {
	if (sum.count === 0)
		return 'nothing matches';
	const share = zoomed.now > 0 ? 100 * sum.now / zoomed.now : 0;
	return 'matched: ' + share.toFixed(1) + ' %, ' + bytes(sum.now) +
		(isDifference ? ' (' + changed(sum.now, sum.before) + ')' : '') +
		' in ' + sum.count.toLocaleString('en') + (sum.count === 1 ? ' frame' : ' frames');
}

function search() {
	let pattern = null, wrong = '';
	try {
		pattern = wanted.value ? patternOf(wanted.value) : null;
	} catch (error) {
		wrong = 'not a regular expression';
	}
	const sum = sumHits(pattern);
	svg.classList.toggle('searching', pattern !== null);
	wanted.classList.toggle('wrong', wrong !== '');
	clear.disabled = !wanted.value;
	found.textContent = wrong || (pattern ? sayHits(sum) : '');
}

function stopSearching() {
	wanted.value = '';
	search();
}

// ---- One frame at a time: the mouse's or the keyboard's ----

function tell(frame) {
	const told = frame || zoomed;
	about.textContent = cut(told.name, 90) + ': ' + told.figures;
}

// Tab comes to one frame; arrows go on from there. One that Tab does not come to loses the focus.
function setCurrent(frame) {
	const hadFocus = document.activeElement === current.group;
	current.group.removeAttribute('tabindex');
	current = frame;
	frame.group.setAttribute('tabindex', '0');
	frame.group.setAttribute('role', 'treeitem');
	frame.group.setAttribute('aria-level', frame.depth + 1);
	if (hadFocus)
		frame.group.focus();
}

function go(frame) {
	if (!frame || !frame.shown)
		return;
	setCurrent(frame);
	frame.group.focus();
	tell(frame);
}

function sibling(frame, step) {
	const siblings = frames.filter(other => other.parent === frame.parent && other.shown);
	return siblings[siblings.indexOf(frame) + step];
}

const keys = {
	ArrowUp: () => go(current.parent),
	ArrowDown: () => go(current.end > current.index + 1 ? frames[current.index + 1] : null),
	ArrowLeft: () => go(sibling(current, -1)),
	ArrowRight: () => go(sibling(current, 1)),
	Home: () => go(whole),
	Enter: () => zoom(current),
	' ': () => zoom(current)
};

const frameOf = target => {
	const group = target.closest && target.closest('.f');
	return group ? group.frame : null;
};

function escape() {
	if (wanted.value)
		stopSearching();
	else
		zoom(whole);
	if (document.activeElement === wanted)
		current.group.focus();
}

// The second Ctrl-F is the browser's own.
function startSearch(event) {
	if (document.activeElement === wanted)
		return;
	event.preventDefault();
	wanted.focus();
	wanted.select();
}

document.addEventListener('keydown', event => {
	const isTyping = event.target === wanted;
	if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'f')
		startSearch(event);
	else if (event.ctrlKey || event.metaKey || event.altKey)
		return;
	else if (event.key === 'Escape')
		escape();
	else if (event.key === '/' && !isTyping)
		startSearch(event);
	else if (frameOf(event.target) && keys[event.key]) {
		event.preventDefault();
		keys[event.key]();
	}
});
picture.addEventListener('click', event => {
	const frame = frameOf(event.target);
	if (frame)
		zoom(frame);
});
picture.addEventListener('mouseover', event => tell(frameOf(event.target)));
picture.addEventListener('mouseleave', () => tell(null));
picture.addEventListener('focusin', event => tell(frameOf(event.target)));
wanted.addEventListener('input', search);
clear.addEventListener('click', stopSearching);
reset.addEventListener('click', () => zoom(whole));

// ---- The window ----

// The heading stays where it is seen.
addEventListener('scroll', () => heading.setAttribute('transform', 'translate(0 ' + Math.max(0, scrollY) + ')'));

let waiting = false;
addEventListener('resize', () => {
	if (!waiting)
		requestAnimationFrame(() => {
			waiting = false;
			draw();
		});
	waiting = true;
});

picture.setAttribute('role', 'tree');
picture.setAttribute('aria-label', 'Frames; arrow keys move, Enter zooms in, Escape out');
svg.classList.add('alive');
svg.removeAttribute('viewBox');
zoom(whole);
})();
