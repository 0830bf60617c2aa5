/** How it looks. Logical properties: what stands at the end stands there in every script. */

export const STYLE = `
:host { all: initial; }
* { box-sizing: border-box; }
.root {
  --accent: #1f5eff; --on-accent: #fff;
  --surface: #fff; --sunken: #f3f5f8; --line: #dde2ea; --text: #14181f; --quiet: #5b6675; --bad: #b3261e;
  color-scheme: light; color: var(--text);
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
@media (prefers-color-scheme: dark) {
  .root { --surface: #171b22; --sunken: #222832; --line: #343c49; --text: #eef1f6; --quiet: #a3aebd;
    --bad: #ff9c94; color-scheme: dark; }
}
button, textarea, input { font: inherit; color: inherit; }
button { cursor: pointer; border: 0; background: none; }
:focus-visible { outline: 3px solid color-mix(in srgb, var(--accent) 65%, var(--text)); outline-offset: 2px; }
.launcher {
  position: fixed; inset-block-end: 20px; inset-inline-end: 20px; z-index: 2147483000;
  inline-size: 56px; block-size: 56px; border-radius: 50%; display: grid; place-items: center;
  background: var(--accent); color: var(--on-accent); box-shadow: 0 4px 16px rgb(0 0 0 / .25);
}
.launcher svg { inline-size: 26px; block-size: 26px; }
.badge {
  position: absolute; inset-block-start: -4px; inset-inline-end: -4px; min-inline-size: 22px; block-size: 22px;
  padding-inline: 6px; border-radius: 11px; background: #c5221f; color: #fff; font-size: 12px; font-weight: 700;
  line-height: 22px; text-align: center;
}
.panel {
  position: fixed; inset-block-end: 88px; inset-inline-end: 20px; z-index: 2147483001;
  inline-size: 380px; block-size: min(600px, calc(100dvh - 108px)); display: flex; flex-direction: column;
  background: var(--surface); border: 1px solid var(--line); border-radius: 16px; overflow: hidden;
  box-shadow: 0 12px 40px rgb(0 0 0 / .28); animation: rise .16s ease-out;
}
@keyframes rise { from { opacity: 0; transform: translateY(8px); } }
[hidden] { display: none !important; }
header { display: flex; align-items: center; gap: 8px; padding: 14px 16px; background: var(--accent); color: var(--on-accent); }
header div { flex: 1; min-inline-size: 0; }
h2 { margin: 0; font-size: 16px; line-height: 1.3; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
header p { margin: 2px 0 0; font-size: 13px; }
.icon { inline-size: 36px; block-size: 36px; border-radius: 8px; display: grid; place-items: center; flex: none; }
header .icon:focus-visible { outline-color: var(--on-accent); }
.icon svg { inline-size: 20px; block-size: 20px; }
.bar { padding: 8px 16px; background: var(--sunken); border-block-end: 1px solid var(--line); font-size: 13px; color: var(--quiet); }
.log { flex: 1; overflow-y: auto; overscroll-behavior: contain; padding: 16px; display: flex; flex-direction: column; gap: 4px; }
.greeting { margin: 0 0 8px; color: var(--quiet); white-space: pre-wrap; }
.said { max-inline-size: 82%; align-self: flex-start; margin-block-start: 8px; }
.said.follows { margin-block-start: 0; }
.said.own { align-self: flex-end; }
.said p { margin: 0; padding: 8px 12px; border-radius: 14px; border-end-start-radius: 4px; background: var(--sunken);
  white-space: pre-wrap; overflow-wrap: anywhere; }
.said.own p { background: var(--accent); color: var(--on-accent); border-radius: 14px; border-end-end-radius: 4px; }
.said.pending p { opacity: .85; }
.said a { color: inherit; }
.who { display: block; margin: 0 0 2px 2px; font-size: 12px; font-weight: 600; color: var(--quiet); }
.mark { display: block; margin: 2px 4px 0; font-size: 12px; color: var(--quiet); }
.own .mark { text-align: end; }
.mark.bad { color: var(--bad); }
.mark button { padding: 0 4px; color: inherit; text-decoration: underline; }
.typing { min-block-size: 22px; padding: 0 18px 4px; font-size: 13px; color: var(--quiet); }
.status { padding: 0 18px 8px; margin: 0; font-size: 13px; color: var(--quiet); text-align: center; }
form { display: flex; gap: 8px; align-items: flex-end; padding: 10px 12px; border-block-start: 1px solid var(--line); }
textarea, input {
  flex: 1; min-inline-size: 0; resize: none; padding: 9px 12px; border: 1px solid var(--line); border-radius: 12px;
  background: var(--surface); line-height: 1.4;
}
textarea:focus-visible, input:focus-visible { outline-offset: -1px; outline-width: 2px; }
textarea { max-block-size: 120px; }
::placeholder { color: var(--quiet); opacity: 1; }
form button[type=submit] { padding: 9px 14px; border-radius: 12px; background: var(--accent); color: var(--on-accent); font-weight: 600; }
form button[type=submit]:disabled { opacity: .5; cursor: default; }
.more { display: flex; justify-content: center; gap: 16px; padding: 0 12px 10px; font-size: 13px; }
.more button { padding: 4px; color: var(--quiet); text-decoration: underline; text-underline-offset: 2px; }
.hidden { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (max-width: 480px) {
  .panel { inset: 0; inline-size: auto; block-size: 100dvh; border: 0; border-radius: 0; }
  .panel:not([hidden]) ~ .launcher { display: none; }
  textarea, input { font-size: 16px; }
}
@media (prefers-reduced-motion: reduce) { .panel { animation: none; } }
@media (forced-colors: active) { .said p, .launcher, .panel { border: 1px solid; } }
`;
