import { writeFileSync } from 'node:fs';
import { cpus, platform, release, totalmem } from 'node:os';

/** Bytes of a MiB, in which reports give memory. */
export const MIB = 1024 * 1024;

/**
 * @typedef {object} Verdict
 * @property {string} what what was measured, in words
 * @property {number} value
 * @property {number} max the bar: `value` may be at most this
 * @property {string} [unit]
 */

/**
 * A markdown table with padded columns; numbers are right-aligned.
 *
 * @param {string[]} headings
 * @param {(string | number)[][]} rows
 */
export function markdownTable(headings, rows) {
  const cells = [headings, ...rows.map((row) => row.map(String))];
  const widths = headings.map((_, column) => Math.max(3, ...cells.map((row) => row[column].length)));
  const numeric = headings.map((_, column) => rows.some((row) => /^[\d.-]/.test(String(row[column]))));
  /** @param {string[]} row */
  const line = (row) =>
    `| ${row.map((cell, i) => (numeric[i] ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join(' | ')} |`;
  const rule = widths.map((width, i) => (numeric[i] ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width)));
  return [line(cells[0]), `| ${rule.join(' | ')} |`, ...cells.slice(1).map(line)].join('\n');
}

/** @param {number} value */
export function formatNumber(value) {
  if (!Number.isFinite(value)) return '-';
  if (Math.abs(value) >= 1000) return Math.round(value).toString();
  return value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);
}

/** One line that says where the figures come from. */
export function machineLine() {
  const memory = Math.round(totalmem() / 2 ** 30);
  const model = cpus()[0]?.model.trim() ?? 'unknown CPU';
  const date = new Date().toISOString().slice(0, 10);
  return `${date}, ${cpus().length} x ${model}, ${memory} GiB, ${platform()} ${release()}, Node ${process.version}`;
}

/**
 * Prints each bar with its result, writes the JSON file, and sets the exit status.
 *
 * @param {{ title: string, results: unknown, verdicts?: Verdict[], options: Record<string, any> }} report
 */
export function conclude({ title, results, verdicts = [], options }) {
  const { smoke, json, check } = options;
  if (smoke) return;
  const missed = verdicts.filter((verdict) => !(verdict.value <= verdict.max));
  if (verdicts.length > 0) console.log('\nBars:');
  for (const verdict of verdicts) {
    const unit = verdict.unit ?? 'x';
    const mark = missed.includes(verdict) ? 'MISSED' : 'met   ';
    console.log(
      `  ${mark} ${verdict.what}: ${formatNumber(verdict.value)} ${unit} (at most ${verdict.max} ${unit})`,
    );
  }
  console.log(`\n${machineLine()}`);
  if (json)
    writeFileSync(json, `${JSON.stringify({ title, machine: machineLine(), results, verdicts }, null, 2)}\n`);
  if (check && missed.length > 0) process.exitCode = 1;
}
