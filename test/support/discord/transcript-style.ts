/** Colours and spacing of a dark chat. */
export const pageStyle = `
:root { --bg: #313338; --side: #2b2d31; --deep: #1e1f22; --text: #dbdee1; --strong: #f2f3f5; --dim: #949ba4; --line: #3f4147; --link: #c9cdfb; }
* { box-sizing: border-box; }
body { margin: 0; display: grid; grid-template-columns: 232px minmax(0, 1fr); background: var(--bg); color: var(--text);
  font: 16px/1.4 "gg sans", "Inter", "Noto Sans", "Helvetica Neue", Arial, sans-serif; }
nav { position: sticky; top: 0; height: 100vh; background: var(--side); padding: 14px 8px; }
nav h2 { margin: 0 8px 18px; padding-bottom: 14px; border-bottom: 1px solid var(--deep); font-size: 16px; color: var(--strong); }
nav a { display: block; padding: 6px 8px; margin-bottom: 2px; border-radius: 4px; color: var(--dim); }
nav a.here { background: #404249; color: var(--strong); }
nav i, header i { font-style: normal; color: var(--dim); margin-right: 7px; font-weight: 500; }
main { min-width: 0; padding-bottom: 56px; }
header { position: sticky; top: 0; z-index: 2; padding: 13px 20px; background: var(--bg); border-bottom: 1px solid var(--deep); color: var(--strong); font-weight: 600; }
header small { margin-left: 14px; padding-left: 14px; border-left: 1px solid var(--line); color: var(--dim); font-weight: 400; font-size: 13px; }
.figures { display: flex; flex-wrap: wrap; gap: 10px; padding: 18px 20px 0; max-width: 940px; }
.figure { flex: 1 1 130px; padding: 11px 14px; border-radius: 8px; background: var(--side); }
.figure b { display: block; font-size: 20px; color: var(--strong); }
.figure span { font-size: 12.5px; line-height: 1.25; display: block; color: var(--dim); }
.chat { max-width: 940px; }
.chapter { margin: 30px 20px 12px; padding-top: 16px; border-top: 1px solid var(--line); }
.chapter h2 { margin: 0 0 2px; font-size: 19px; color: var(--strong); }
.chapter p { margin: 0; color: var(--dim); font-size: 14px; }
article { padding: 8px 20px 8px; margin-top: 6px; }
article.ephemeral { background: rgb(88 101 242 / 9%); box-shadow: inset 2px 0 #5865f2; }
.row { display: flex; gap: 16px; }
.avatar { flex: none; width: 40px; height: 40px; border-radius: 50%; display: grid; place-items: center; color: #fff; font-weight: 600; }
.avatar.app { background: linear-gradient(135deg, #7c5cff, #e35cff 60%, #ffb55c); font-size: 15px; letter-spacing: -1px; }
.reply { display: flex; align-items: center; gap: 5px; margin: 0 0 4px 56px; font-size: 14px; color: var(--dim); }
.reply::before { content: ""; width: 28px; height: 10px; margin: 8px 2px 0 -34px; border: solid var(--line); border-width: 2px 0 0 2px; border-top-left-radius: 6px; }
.reply .avatar, .typing .avatar { width: 18px; height: 18px; font-size: 10px; }
.reply b { color: var(--strong); font-weight: 500; }
.attached { margin: 4px 0 10px 56px; }
.attached img { display: block; height: 150px; border-radius: 8px; }
.attached figcaption { font-size: 12px; color: var(--dim); margin-top: 3px; }
.body { min-width: 0; flex: 1; }
.who { margin-bottom: 4px; }
.who b { color: var(--strong); font-weight: 600; } .who b.bot { color: #b7a6ff; }
.who em { margin-left: 6px; padding: 1px 5px; border-radius: 4px; background: #5865f2; color: #fff; font-style: normal; font-weight: 600; font-size: 10.5px; vertical-align: 2px; }
.who time { margin-left: 8px; font-size: 12px; color: var(--dim); }
.container { width: fit-content; min-width: min(100%, 430px); max-width: 600px; padding: 14px 16px; border: 1px solid var(--line); border-left: 4px solid var(--accent); border-radius: 8px; background: #393a41; }
.container > * + * { margin-top: 10px; }
h1, h2, h3, p { margin: 0; } .text h3 { font-size: 18px; color: var(--strong); margin-bottom: 4px; }
.text p { overflow-wrap: anywhere; } .text p.small { font-size: 13px; color: var(--dim); } .text p.gap { height: 8px; }
code { padding: 1px 5px; border-radius: 4px; background: var(--deep); font: 13.5px/1.3 ui-monospace, "DejaVu Sans Mono", monospace; }
.mention { color: var(--link); background: rgb(88 101 242 / 28%); padding: 0 3px; border-radius: 3px; }
.gallery { display: grid; gap: 4px; grid-template-columns: 1fr; border-radius: 8px; overflow: hidden; }
.gallery.of2, .gallery.of4 { grid-template-columns: 230px 230px; width: fit-content; }
.gallery.of3, .gallery.of5 { grid-template-columns: repeat(3, 1fr); }
.gallery img { display: block; width: 100%; background: var(--deep); }
.gallery.of1 { width: 560px; max-width: 100%; } .gallery.of4 img, .gallery.of2 img { aspect-ratio: 1; object-fit: cover; }
.buttons { display: flex; flex-wrap: wrap; gap: 8px; }
.button { padding: 6px 15px; min-width: 60px; text-align: center; border-radius: 8px; color: #fff; font-size: 14px; font-weight: 500; white-space: nowrap; background: #4e5058; }
.button.primary { background: #5865f2; } .button.success { background: #248046; } .button.danger { background: #da373c; }
.section { display: flex; justify-content: space-between; gap: 16px; align-items: center; }
footer { margin-top: 7px; font-size: 12.5px; color: var(--dim); } footer .mention { background: none; padding: 0; }
.press { display: flex; align-items: center; gap: 7px; margin: 10px 20px 6px 76px; font-size: 13.5px; color: var(--dim); }
.press b { color: var(--text); font-weight: 500; } .press kbd { padding: 2px 9px; border-radius: 6px; background: #4e5058; color: #fff; font: inherit; font-size: 12.5px; }
.tap { width: 13px; height: 13px; border: 2px solid #f0b232; border-radius: 50%; box-shadow: 0 0 0 3px rgb(240 178 50 / 25%); }
.typing { margin: 14px 20px 12px; max-width: 620px; }
.typing ul { list-style: none; margin: 0 0 6px; padding: 6px; border-radius: 8px; background: var(--side); border: 1px solid var(--deep); font-size: 14.5px; }
.typing li { padding: 7px 10px; border-radius: 4px; } .typing li:first-child { background: #404249; color: var(--strong); }
.typing .box { display: flex; align-items: center; gap: 8px; padding: 11px 14px; border-radius: 8px; background: #383a40; }
.typing .box b { color: var(--strong); } .option { padding: 1px 6px; border-radius: 4px 0 0 4px; background: var(--deep); color: var(--dim); font-size: 14px; margin-right: -8px; }
.typed { padding: 1px 7px; border-radius: 0 4px 4px 0; background: var(--deep); } .caret { display: inline-block; width: 1px; height: 16px; margin-left: 1px; background: var(--strong); vertical-align: -2px; }
@media (max-width: 760px) { body { grid-template-columns: 1fr; } nav { display: none; } }
`;
