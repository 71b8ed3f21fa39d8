import type { LatencySample, LatencySeries } from './latency-monitor.js';

const rows = 4;
/** Fill levels of a row of the graph, from nothing to full. */
const levels = ['_', 'o', '#'];
const rule = '-'.repeat(80);

/**
 * The latest spikes of a series as columns of text: higher is slower, and below each column stands,
 * downwards, how long ago it was. `now` in unix seconds.
 */
export function latencyGraph(event: string, { samples, worst }: LatencySeries, now: number): string {
  const shown = samples.slice(-rule.length);
  const heights = shown.map(({ milliseconds }) => milliseconds);
  const [low, high] = [Math.min(...heights), Math.max(...heights)];
  const columns = shown.map((sample) => column(sample, low, high, now));
  const height = Math.max(...columns.map((text) => text.length));
  const lines = [`${event} - high ${high} ms, low ${low} ms (all time high ${worst} ms)`, rule];
  for (let row = 0; row < height; row++) lines.push(columns.map((text) => text[row] ?? ' ').join(''));
  return `${lines.join('\n')}\n`;
}

/** One column, read downwards: the bar, an empty line, the age. */
function column({ time, milliseconds }: LatencySample, low: number, high: number, now: number): string {
  const share = high === low ? 0 : (milliseconds - low) / (high - low);
  const steps = Math.round(share * (rows * levels.length - 1));
  const full = Math.floor(steps / levels.length);
  const bar = levels[steps % levels.length] + '|'.repeat(full);
  return `${bar.padStart(rows)} ${age(now - time)}`;
}

function age(seconds: number): string {
  if (seconds < 60) return `${Math.max(0, seconds)}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86400)}d`;
}
