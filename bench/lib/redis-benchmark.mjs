import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import { MIB } from './report.mjs';

/** What redis-benchmark may print: it shows progress four times a second. */
const MOST_OUTPUT_BYTES = 256 * MIB;

/**
 * Runs redis-benchmark from its start to its end.
 *
 * @param {number} port
 * @param {(string | number)[]} args
 * @returns {Promise<string>} what it printed
 * @throws {Error} unless it ends with status 0, as it does not at the first error reply; with what it wrote to stderr
 */
export async function runBenchmark(port, args) {
  const options = /** @type {const} */ ({ encoding: 'latin1', maxBuffer: MOST_OUTPUT_BYTES });
  const { stdout } = await promisify(execFile)('redis-benchmark', commandLine(port, args), options);
  return stdout;
}

/**
 * Runs redis-benchmark in the background, with so many requests that it is stopped before it has sent them.
 *
 * @param {number} port
 * @param {(string | number)[]} args
 */
export function startBenchmark(port, args) {
  const child = spawn('redis-benchmark', commandLine(port, args), { stdio: ['ignore', 'ignore', 'inherit'] });
  return {
    /** @throws {Error} when it has ended by itself: the server was not under load then */
    stop() {
      const end = child.signalCode ?? child.exitCode;
      if (end !== null) throw new Error(`redis-benchmark ended with ${end} before it was told to`);
      child.kill();
    },
  };
}

/** @param {number} port @param {(string | number)[]} args */
function commandLine(port, args) {
  return ['-h', '127.0.0.1', '-p', port, ...args].map(String);
}

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
