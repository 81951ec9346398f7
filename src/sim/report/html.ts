const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text made safe for elements and quoted attributes: policy names and reasons come from files. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (char) => entities[char] ?? char);
}

/** JSON that may stand in a script element: no `</script>` and no comment can open in it. */
export function embedJson(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', String.raw`\u003c`);
}

export interface Cell {
  readonly html: string;
  readonly isNumber?: boolean;
}

/** A row of a table whose first cell names it. */
export function tableRow(cells: readonly Cell[]): string {
  const rest = cells.slice(1).map(({ html, isNumber }) => `<td${isNumber === true ? ' class="n"' : ''}>${html}</td>`);
  return `<tr><th scope="row">${cells[0]?.html ?? ''}</th>${rest.join('')}</tr>`;
}
