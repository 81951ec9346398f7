const longestLine = 4 * 1024 * 1024;

/** Splits a byte stream at newlines; throws on a line over 4 MiB (an object cannot be that large, a broken stream can). */
export async function* readLines(stream: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') yield line;
    if (rest.length > longestLine) throw new RangeError(`a watch line is longer than ${longestLine} characters`);
  }
  if (rest.trim() !== '') yield rest;
}
