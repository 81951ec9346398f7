/** Whether one of the patterns selects the file; no pattern selects all. Same rules as a hub client's allow patterns: `*` also crosses `/`. */
export function isSelected(path: string, patterns: readonly string[]): boolean {
  return patterns.length === 0 || patterns.some((pattern) => expression(pattern).test(path));
}

function expression(pattern: string): RegExp {
  const whole = pattern.endsWith('/') ? `${pattern}*` : pattern;
  return new RegExp(`^${whole.replace(/\[(!?)([^\]]+)\]|[\s\S]/gu, translate)}$`, 'su');
}

function translate(token: string, negated: string | undefined, set: string | undefined): string {
  if (set !== undefined) return `[${negated === '!' ? '^' : ''}${set.replace(/[\\^[\]]/g, '\\$&')}]`;
  if (token === '*') return '.*';
  if (token === '?') return '.';
  return token.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
