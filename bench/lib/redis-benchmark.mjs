/**
 * The text form of redis-benchmark: only it has percentiles beyond the 99th. Progress lines end in CR.
 *
 * @param {string} output
 * @returns {{ rps: number, p50: number, p99: number, p999: number }}
 */
export function parseText(output) {
  const lines = output.split(/[\r\n]+/);
  const rps = Number(/throughput summary: ([\d.]+)/.exec(output)?.[1]);
  const heading = lines.findIndex((line) => /^\s+avg\s+min\s+p50/.test(line));
  if (!Number.isFinite(rps) || heading < 0) throw new Error(`redis-benchmark printed no summary:\n${output}`);
  const [, , p50, , p99] = lines[heading + 1].trim().split(/\s+/).map(Number);
  const tail = lines.map((line) => /^([\d.]+)% <= ([\d.]+) milliseconds/.exec(line));
  const p999 = Number(tail.find((match) => match && Number(match[1]) >= 99.9)?.[2]);
  return { rps, p50, p99, p999 };
}
