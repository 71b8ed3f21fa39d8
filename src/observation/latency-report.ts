import type { LatencyMonitor, LatencySeries } from './latency-monitor.js';

/** What is known of the server beside the spikes themselves. */
export interface Circumstances {
  /** `slowlog-log-slower-than`. */
  slowLogMicroseconds: number;
}

interface Advice {
  /** Kinds of events that it is for. */
  concerns: RegExp;
  text: (circumstances: Circumstances, monitor: LatencyMonitor) => string | undefined;
}

const advices: Advice[] = [
  {
    concerns: /^command$/,
    text: ({ slowLogMicroseconds }, { threshold }) => {
      if (slowLogMicroseconds >= 0 && slowLogMicroseconds <= threshold * 1000)
        return 'SLOWLOG GET names the commands that took long and their arguments.';
      return (
        'The slow log does not see all of these commands. Lower its threshold, for example to that of the latency ' +
        `monitor: CONFIG SET slowlog-log-slower-than ${threshold * 1000}`
      );
    },
  },
  {
    concerns: /^command$|^expire|^eviction/,
    text: () =>
      'Commands on very large values, and removing such values, take time in which nobody else is served. UNLINK ' +
      'instead of DEL, smaller values, and SCAN instead of KEYS help.',
  },
  {
    concerns: /^fast-command$/,
    text: () =>
      'Commands that are quick by nature were slow. The cause lies outside them: memory that is swapped out, a ' +
      'processor that others use, or garbage collection.',
  },
  {
    concerns: /^expire/,
    text: () =>
      'Many keys expire at about the same time. A little randomness in their times to live spreads the work; a lower ' +
      'active-expire-effort does so too, at the price of memory.',
  },
  {
    concerns: /^eviction/,
    text: () =>
      'Memory is at its limit and keys are evicted while clients wait. More maxmemory would end that.',
  },
  {
    concerns: /^event-loop$/,
    text: () =>
      'The event loop was held up. If no command explains it: pipelines of very many commands do it, and in an embedded ' +
      "server the application's own code.",
  },
  {
    concerns: /^garbage-collection$/,
    text: () =>
      'Garbage collections of the JavaScript engine were long. Data lies outside its heap; large replies, scripts, ' +
      "many connections and an embedding application's own objects do not.",
  },
  {
    concerns: /^aof|^rdb|^fork/,
    text: () =>
      'The disk was slow. Other processes may be writing to it; `appendfsync everysec` waits for it less.',
  },
];

/** LATENCY DOCTOR: what was slow, in words, and what can be done. */
export function latencyReport(monitor: LatencyMonitor, circumstances: Circumstances): string {
  const events = [...monitor.events()];
  if (events.length === 0) {
    return monitor.enabled
      ? `All is well: nothing took ${monitor.threshold} ms or longer since the last LATENCY RESET.\n`
      : 'The latency monitor is off. CONFIG SET latency-monitor-threshold <milliseconds> switches it on, for example ' +
          'with 100; then ask again after some time.\n';
  }
  const findings = events.map(([event, series], i) => `${i + 1}. ${finding(event, series)}`);
  const names = events.map(([event]) => event);
  const wanted = advices.filter(({ concerns }) => names.some((name) => concerns.test(name)));
  const hints = wanted.map(({ text }) => `- ${text(circumstances, monitor)}`);
  const slow = `These took ${monitor.threshold} ms or longer:`;
  return [slow, '', ...findings, '', 'What may help:', '', ...hints, ''].join('\n');
}

function finding(event: string, { samples, worst }: LatencySeries): string {
  const times = samples.map(({ milliseconds }) => milliseconds);
  const average = mean(times);
  const deviation = mean(times.map((time) => Math.abs(time - average)));
  const seconds = samples[samples.length - 1].time - samples[0].time;
  const period = samples.length < 2 ? 'once' : `every ${(seconds / (samples.length - 1)).toFixed(1)} s`;
  return (
    `${event}: ${samples.length} latency spike${samples.length === 1 ? '' : 's'}, ${period}, ` +
    `average ${Math.round(average)} ms, mean deviation ${Math.round(deviation)} ms, worst ever ${worst} ms.`
  );
}

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
