import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../src/ambient/clock.js';
import { latencyGraph } from '../../src/observation/latency-graph.js';
import { LatencyMonitor } from '../../src/observation/latency-monitor.js';
import { latencyReport } from '../../src/observation/latency-report.js';

const begin = 1_700_000_000;

function monitorOf(threshold: number) {
  const clock = new ManualClock(begin * 1000);
  const monitor = new LatencyMonitor(() => clock.now());
  monitor.threshold = threshold;
  return { clock, monitor };
}

describe('the latency monitor', () => {
  it('notes what reaches the threshold, in whole milliseconds', () => {
    const { monitor } = monitorOf(10);
    monitor.note('command', 9.9);
    expect(monitor.get('command')).toBeUndefined();
    monitor.note('command', 10.7);
    expect(monitor.get('command')).toEqual({ samples: [{ time: begin, milliseconds: 10 }], worst: 10 });
  });

  it('notes nothing while it is off', () => {
    const { monitor } = monitorOf(0);
    monitor.note('command', 1000);
    expect([...monitor.events()]).toEqual([]);
  });

  it('keeps the worst of each second, and the worst of all', () => {
    const { clock, monitor } = monitorOf(1);
    for (const milliseconds of [5, 9, 7]) monitor.note('command', milliseconds);
    clock.advance(1000);
    monitor.note('command', 3);
    expect(monitor.get('command')).toEqual({
      samples: [
        { time: begin, milliseconds: 9 },
        { time: begin + 1, milliseconds: 3 },
      ],
      worst: 9,
    });
  });

  it('keeps the latest 160 samples', () => {
    const { clock, monitor } = monitorOf(1);
    for (let i = 0; i < 200; i++) {
      monitor.note('command', 200 - i);
      clock.advance(1000);
    }
    const series = monitor.get('command')!;
    expect(series.samples).toHaveLength(160);
    expect(series.samples[0].time).toBe(begin + 40);
    expect(series.worst).toBe(200);
  });
});

describe('the latency graph', () => {
  it('draws higher what was slower, and the age below', () => {
    const { clock, monitor } = monitorOf(1);
    for (const milliseconds of [100, 250, 500]) {
      monitor.note('command', milliseconds);
      clock.advance(60_000);
    }
    const graph = latencyGraph('command', monitor.get('command')!, clock.now() / 1000);
    expect(graph.split('\n')).toEqual([
      'command - high 500 ms, low 100 ms (all time high 500 ms)',
      '-'.repeat(80),
      '  #',
      '  |',
      ' o|',
      '_||',
      '   ',
      '321',
      'mmm',
      '',
    ]);
  });
});

describe('the latency report', () => {
  const slowLog = { slowLogMicroseconds: 10_000 };

  it('says so if the monitor is off, or saw nothing', () => {
    expect(latencyReport(monitorOf(0).monitor, slowLog)).toContain('CONFIG SET latency-monitor-threshold');
    expect(latencyReport(monitorOf(5).monitor, slowLog)).toContain('nothing took 5 ms or longer');
  });

  it('describes each event and advises', () => {
    const { clock, monitor } = monitorOf(5);
    for (const milliseconds of [10, 20, 30]) {
      monitor.note('command', milliseconds);
      clock.advance(2000);
    }
    monitor.note('garbage-collection', 50);
    const report = latencyReport(monitor, slowLog);
    expect(report).toContain(
      '1. command: 3 latency spikes, every 2.0 s, average 20 ms, mean deviation 7 ms, worst ever 30 ms.',
    );
    expect(report).toContain('2. garbage-collection: 1 latency spike, once');
    expect(report).toContain('CONFIG SET slowlog-log-slower-than 5000');
    expect(report).not.toContain('Many keys expire');
  });
});
