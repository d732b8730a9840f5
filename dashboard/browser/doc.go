// Package browser has the tests of package dashboard in a real browser: they drive a
// headless Chromium, which must be installed, and are skipped where there is none. What
// they look at is what a person does: what the page says, what the buttons do to a pool,
// by mouse and by keyboard, how it copes with hostile texts and a server that goes away,
// and that it fits a phone and can be read by everybody, which axe-core judges.
//
// .ci/run browser gets what they need and runs them. The same tests make the pictures of
// the documentation, by make screenshots.
//
// It is a module of its own, so that users of Troupe inherit none of its dependencies.
package browser
