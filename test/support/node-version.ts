/** vitest global setup: `npm test` puts the pinned Node on PATH, a direct call of the vitest binary does not. */
export default function requirePinnedNode(): void {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 24 || (major === 24 && minor < 12)) {
    throw new Error(`tests need Node 24.12 or newer, this is ${process.versions.node}: run them with 'npm test'`);
  }
}
