/** Reading JSON of the API server: every step may be absent, nothing is believed. */
export type Json = Readonly<Record<string, unknown>>;

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at a path of keys, or undefined. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let here: unknown = value;
  for (const key of path) {
    if (!isJson(here)) return undefined;
    here = here[key];
  }
  return here;
}

export function text(value: unknown, ...path: readonly string[]): string | undefined {
  const found = at(value, ...path);
  return typeof found === 'string' ? found : undefined;
}

export function number(value: unknown, ...path: readonly string[]): number | undefined {
  const found = at(value, ...path);
  return typeof found === 'number' && Number.isFinite(found) ? found : undefined;
}

export function flag(value: unknown, ...path: readonly string[]): boolean {
  return at(value, ...path) === true;
}

export function list(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

export function object(value: unknown, ...path: readonly string[]): Json {
  const found = at(value, ...path);
  return isJson(found) ? found : {};
}

/** A map of strings such as labels; what is not a string is left out. */
export function texts(value: unknown, ...path: readonly string[]): Readonly<Record<string, string>> {
  const out: Record<string, string> = {};
  for (const [key, one] of Object.entries(object(value, ...path))) if (typeof one === 'string') out[key] = one;
  return out;
}

/** Milliseconds of an RFC 3339 time. */
export function time(value: unknown, ...path: readonly string[]): number | undefined {
  const found = text(value, ...path);
  const at = found === undefined ? Number.NaN : Date.parse(found);
  return Number.isFinite(at) ? at : undefined;
}

/** A field that is there only when it has a value. */
export function optional<K extends string, V>(name: K, value: V | undefined): { readonly [P in K]?: V } {
  const out: { [P in K]?: V } = {};
  if (value !== undefined) out[name] = value;
  return out;
}
