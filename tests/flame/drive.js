// SPDX-License-Identifier: BSD-2-Clause
// tests/flame/drive.js - uses a flame graph of tests/flame_program.c in a browser, and says what is wrong with it: an
// element `verdict` at the end of the document has "all is well" and how many checks there were, or the faults.
// check_flame.sh puts this at the end of the graph.
//
// The mouse comes down on what the browser says is at that place, colours are those that it paints, and sizes those
// that it lays out.
(function () {
'use strict';

const svg = document.documentElement;
const part = id => document.getElementById(id);
const faults = [];
let checks = 0;

function is(got, expected, what) {
	checks++;
	if (got !== expected)
		faults.push(what + ': ' + JSON.stringify(got) + ', not ' + JSON.stringify(expected));
}

function isNear(got, expected, what) {
	is(Math.abs(got - expected) < 0.1 ? expected : got, expected, what);
}

// ---- What is there ----

const groups = name => [...document.querySelectorAll('.f')]
	.filter(group => group.querySelector('title').textContent.split('\n')[0] === name);
const group = name => groups(name)[0];
const titleOf = name => group(name).querySelector('title').textContent;
const box = name => group(name).querySelector('rect').getBoundingClientRect();
const isShown = name => box(name).width > 0;
const share = name => box(name).width / box('all').width;
const label = name => (group(name).querySelector('text') || {textContent: ''}).textContent;
const colour = name => getComputedStyle(group(name).querySelector('rect')).fill.match(/[\d.]+/g).map(Number);
const found = () => part('found').textContent;

// ---- What a person does ----

function mouse(name, kind) {
	const at = box(name);
	const x = at.left + at.width / 2, y = at.top + at.height / 2;
	const target = document.elementFromPoint(x, y);
	is(target.closest('.f'), group(name), 'what is under the mouse at ' + name);
	target.dispatchEvent(new MouseEvent(kind, {bubbles: true, cancelable: true, clientX: x, clientY: y}));
}

const click = name => mouse(name, 'click');

// Returns whether the browser would go on with a meaning of its own.
function press(key, more) {
	return (document.activeElement || svg).dispatchEvent(
		new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true, ...more}));
}

function type(text) {
	part('wanted').value = text;
	part('wanted').dispatchEvent(new Event('input', {bubbles: true}));
}

const focused = () => {
	const at = document.activeElement || svg;
	return at.matches('.f') ? at.querySelector('title').textContent.split('\n')[0] : at.id || at.tagName;
};

// ---- Cases, by the title of the graph ----

function checkLayout() {
	is(document.title, 'small', 'title of the window');
	is(titleOf('read_table'), 'read_table\n50.0 MiB (50.0 %), 17,067 blocks', 'title of a frame');
	isNear(box('all').left, 10, 'left edge');
	isNear(box('all').right, svg.getBoundingClientRect().width - 10, 'right edge');
	is(svg.getBoundingClientRect().width, innerWidth, 'width of the graph');
	isNear(100 * share('serve'), 80, 'share of serve');
	isNear(100 * share('load'), 15, 'share of load');
	is(box('main').top > box('all').top && box('serve').top > box('main').top, true, 'callees under their caller');
	isNear(box('cache_insert').left, box('read_table').right, 'siblings side by side');
	is(label('cache_insert'), 'cache_insert', 'label');
	is(groups('read_table')[1].querySelector('text'), null, 'label of a narrow frame');
	is(getComputedStyle(part('controls')).display, 'block', 'controls');
	is(part('reset').disabled, true, 'reset without zoom');
	is(part('note').textContent.startsWith('1 frame is left out'), true, 'what is left out');
	is(colour('main')[0] > colour('main')[2] + 60, true, 'warm colour');
}

function checkHover() {
	is(part('about').textContent.startsWith('all: 100.0 MiB (100.0 %)'), true, 'about everything');
	mouse('serve', 'mouseover');
	is(part('about').textContent, 'serve: 80.0 MiB (80.0 %), 27,308 blocks', 'about the frame under the mouse');
}

function checkZoom() {
	click('load');
	isNear(share('load'), 1, 'zoomed frame');
	isNear(share('main'), 1, 'caller of the zoomed one');
	is(group('main').classList.contains('around'), true, 'caller is faded');
	is(isShown('serve'), false, 'sibling of the zoomed one');
	is(isShown('HelperThread'), false, 'another thread');
	is(isShown('cache_insert'), false, 'callee of a sibling');
	isNear(groups('table_grow')[1].getBoundingClientRect().width, box('all').width, 'callee of the zoomed one');
	is(part('reset').disabled, false, 'reset');
	part('reset').click();
	isNear(100 * share('load'), 15, 'share after reset');
	is(isShown('cache_insert'), true, 'callee of a sibling after reset');
	is(group('main').classList.contains('around'), false, 'nobody is faded');

	// Narrow frames get their names when there is room.
	click('HelperThread');
	is(label('HelperThread'), 'HelperThread', 'label after zoom');
	is(groups('read_table')[1].querySelector('text').textContent, 'read_table', 'new label after zoom');
	click('all');
	isNear(100 * share('load'), 15, 'zoomed out by the caller');
	is(label('HelperThread'), '', 'label of a frame that is narrow again');
	click('serve');
	press('Escape');
	isNear(100 * share('serve'), 80, 'zoomed out by Escape');
}

function checkSearch() {
	type('^table');
	// 10 MiB of one caller and 15 of the other.
	is(found(), 'matched: 25.0 %, 25.0 MiB in 2 frames', 'matched share');
	is(groups('table_grow').every(one => one.classList.contains('hit')), true, 'hits');
	is(document.querySelectorAll('.hit').length, 2, 'number of hits');
	is(colour('table_grow')[2] > colour('table_grow')[1], true, 'colour of a hit');
	is(+getComputedStyle(group('main')).opacity < 0.5, true, 'others are faded');
	type('serve|cache');
	// cache_insert is called by serve, and counted with it.
	is(found(), 'matched: 80.0 %, 80.0 MiB in 2 frames', 'a hit in a hit counts once');
	type('CACHE');
	is(found(), 'nothing matches', 'capital letters');
	type('cache_INSERT'.toLowerCase());
	is(found(), 'matched: 30.0 %, 30.0 MiB in 1 frame', 'one frame');
	type('\\Sthread');
	is(found(), 'matched: 1.0 %, 1.0 MiB in 1 frame', 'a class is no capital letter');
	type('(');
	is(found(), 'not a regular expression', 'a wrong expression');
	is(document.querySelectorAll('.hit').length, 0, 'hits of a wrong expression');
	is(part('wanted').classList.contains('wrong'), true, 'a wrong expression shows');
	type('grow');
	click('load');
	is(found(), 'matched: 100.0 %, 15.0 MiB in 1 frame', 'matched share of the zoomed frame');
	part('reset').click();
	is(found(), 'matched: 25.0 %, 25.0 MiB in 2 frames', 'matched share after reset');
	part('clear').click();
	is(found() + part('wanted').value, '', 'search after clear');
	is(document.querySelectorAll('.hit').length, 0, 'hits after clear');
	is(getComputedStyle(group('main')).opacity, '1', 'nobody is faded after clear');
}

function checkKeys() {
	is(press('f', {ctrlKey: true}), false, 'Ctrl-F');
	is(focused(), 'wanted', 'focus after Ctrl-F');
	is(press('f', {ctrlKey: true}), true, "Ctrl-F again is the browser's");
	type('load');
	press('Escape');
	is(found() + focused(), 'all', 'search after Escape, and focus');
	is(press('ArrowDown'), false, 'an arrow');
	is(focused(), 'main', 'down');
	press('ArrowRight');
	is(focused(), 'HelperThread', 'right');
	is(part('about').textContent.startsWith('HelperThread: 1.0 MiB'), true, 'about the focused frame');
	press('ArrowRight');
	is(focused(), 'HelperThread', 'right of the last');
	press('ArrowLeft');
	press('ArrowDown');
	press('ArrowDown');
	is(focused(), 'read_table', 'down to the widest');
	press('ArrowDown');
	is(focused(), 'read_table', 'down from the innermost');
	press('ArrowUp');
	is(focused(), 'serve', 'up');
	is(document.querySelectorAll('.f[tabindex="0"]').length, 1, 'frames that Tab comes to');
	is(group('serve').getAttribute('aria-level'), '3', 'level');
	press('Enter');
	isNear(share('serve'), 1, 'zoom by Enter');
	is(focused(), 'serve', 'focus after zoom');
	press('ArrowDown');
	press('Escape');
	is(focused(), 'all', 'focus after Escape');
	isNear(100 * share('serve'), 80, 'zoomed out by Escape from a callee');
	press('ArrowDown');
	press('ArrowDown');
	press('Enter');
	press('Home');
	is(focused(), 'all', 'Home');
	press(' ');
	isNear(100 * share('serve'), 80, 'zoom by the space key');
	press('/');
	is(focused(), 'wanted', 'focus after /');
	is(press('/'), true, '/ in an expression');
	press('Escape');
}

function checkSmall() {
	checkLayout();
	checkHover();
	checkZoom();
	checkSearch();
	checkKeys();
}

const isRed = ([red, green, blue]) => red > green + 25 && red > blue + 25;
const isBlue = ([red, green, blue]) => blue > red + 25 && blue > green + 10;
const strength = ([red, , blue]) => Math.abs(red - blue);

function checkDifference() {
	is(titleOf('grew'), 'grew\n60.0 MiB (68.2 %), 20,481 blocks\n+40.0 MiB (+200.0 %), before 20.0 MiB',
		'title of a frame that grew');
	is(isRed(colour('grew')) && isRed(colour('is_new')), true, 'red grew');
	is(isBlue(colour('shrank')) && isBlue(colour('is_gone')), true, 'blue shrank');
	is(isRed(colour('stayed')) || isBlue(colour('stayed')), false, 'neither stayed');
	is(strength(colour('is_new')) > strength(colour('grew')), true, 'redder what is all new');
	is(strength(colour('is_gone')) > strength(colour('shrank')), true, 'bluer what is all gone');
	isNear(100 * share('is_gone'), 10, 'share of what is gone');
	isNear(100 * share('grew'), 50, 'share of what grew');
	is(box('grew').right <= box('shrank').left + 0.1, true, 'the widest is first');
	is(getComputedStyle(part('scale').querySelector('.up8')).fill,
		getComputedStyle(group('is_new').querySelector('rect')).fill, 'scale of colours');
	type('grew|gone');
	is(found(), 'matched: 68.2 %, 60.0 MiB (+28.0 MiB) in 2 frames', 'matched change');
	is(isRed(colour('grew')), true, 'hits keep their colour');
}

function checkHostile() {
	is(document.hurt, undefined, 'a script of a name');
	is(document.querySelectorAll('image').length, 0, 'elements of names');
	is(document.querySelectorAll('script').length, 2, 'scripts');
	is(document.title, '</title><script>document.hurt = 1</script> & "\'?', 'title of the window');
	const name = '</script><script>document.hurt = 2</script>';
	is(isShown(name), true, 'the frame of a hostile name');
	click(name);
	is(document.hurt, undefined, 'a script of a name that is zoomed to');
	is(label(name), name, 'label of a hostile name');
	is(part('about').textContent.startsWith(name + ': 4.0 MiB'), true, 'about a hostile name');
	press('Escape');
	is(isShown('?[31mred' + '?'.repeat(14) + ' end'), true, 'controls and what is no UTF-8');
	type('no characters \\? \\? \\? \\?desrever \\?$');
	is(found(), 'matched: 14.3 %, 3.0 MiB in 1 frame', 'what XML cannot have');
	type('Grö.e 日本語 🔥');
	is(found(), 'matched: 14.3 %, 3.0 MiB in 1 frame', 'letters of all kinds');
	type('^constructor$');
	is(document.querySelectorAll('.hit').length, 1, 'a name that objects have');
}

const verdict = document.createElementNS(svg.namespaceURI, 'desc');
try {
	const title = document.title;
	(title === 'small' ? checkSmall : title === 'difference' ? checkDifference : checkHostile)();
} catch (error) {
	faults.push(String(error) + ' ' + error.stack);
}
verdict.id = 'verdict';
verdict.textContent = faults.length ? 'wrong:\n' + faults.join('\n') : 'all is well: ' + checks + ' checks';
svg.append(verdict);
})();
