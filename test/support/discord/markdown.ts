const escapes: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

export const escapeHtml = (text: string): string => text.replace(/[&<>"]/g, (character) => escapes[character] ?? "");

/** Discord's Markdown, as far as bots use it, as HTML: headings, small print, bold, italics, code, escapes, masked links,
 * mentions, times. */
export function markdownToHtml(text: string, nameOf: (userId: string) => string): string {
  return text
    .split("\n")
    .map((line) => {
      const heading = /^(#{1,3}) (.*)$/.exec(line);
      if (heading !== null)
        return `<h${heading[1]?.length}>${inline(heading[2] ?? "", nameOf)}</h${heading[1]?.length}>`;
      if (line.startsWith("-# ")) return `<p class="small">${inline(line.slice(3), nameOf)}</p>`;
      return line === "" ? '<p class="gap"></p>' : `<p>${inline(line, nameOf)}</p>`;
    })
    .join("");
}

/** What has a meaning inside a line, the first match winning. */
const tokens =
  /\\([^A-Za-z0-9\s])|`([^`]+)`|\*\*(.+?)\*\*|\*(.+?)\*|<@!?(\d+)>|<t:(\d+)(?::\w)?>|\[([^\]]+)\]\((https?:[^\s)]+)\)/g;

function inline(text: string, nameOf: (userId: string) => string): string {
  let html = "";
  let at = 0;
  for (const match of text.matchAll(tokens)) {
    const [whole, escaped, code, bold, italic, user, time, label, address] = match;
    html += escapeHtml(text.slice(at, match.index));
    at = match.index + whole.length;
    if (escaped !== undefined) html += escapeHtml(escaped);
    else if (code !== undefined) html += `<code>${escapeHtml(code)}</code>`;
    else if (bold !== undefined) html += `<b>${inline(bold, nameOf)}</b>`;
    else if (italic !== undefined) html += `<i>${inline(italic, nameOf)}</i>`;
    else if (user !== undefined) html += `<span class="mention">@${escapeHtml(nameOf(user))}</span>`;
    else if (label !== undefined) html += `<a href="${escapeHtml(address ?? "")}">${inline(label, nameOf)}</a>`;
    else html += `<span class="mention">${new Date(Number(time) * 1000).toISOString().slice(0, 10)}</span>`;
  }
  return html + escapeHtml(text.slice(at));
}
