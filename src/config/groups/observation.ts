import { directive } from '../directive.js';
import { integer, LONG_MAX, yesNo } from '../kinds.js';
import { eventClasses, percentiles } from '../special-kinds.js';

export const slowLog = {
  'slowlog-log-slower-than': directive(
    integer(-1, LONG_MAX),
    10000,
    'Microseconds above which a command is logged; 0 for every command, -1 for none.',
  ),
  'slowlog-max-len': directive(integer(0, LONG_MAX), 128, 'Entries kept in the slow log.'),
};

export const latency = {
  'latency-monitor-threshold': directive(
    integer(0, LONG_MAX),
    0,
    'Milliseconds above which an event is noted for LATENCY; 0 for none.',
  ),
  'latency-tracking': directive(yesNo, true, 'Keep a histogram of the time that each command takes.'),
  'latency-tracking-info-percentiles': directive(
    percentiles,
    [50, 99, 99.9],
    'Percentiles of those histograms that INFO shows.',
  ),
};

export const notification = {
  'notify-keyspace-events': directive(
    eventClasses,
    '',
    'What to publish when keys change. K, E: by key, by event. g generic, $ string, l list, s set, h hash, z sorted ' +
      'set, x expired, e evicted, t stream, d module, A all of these, n new key, m missed key. "" for nothing.',
  ),
};
