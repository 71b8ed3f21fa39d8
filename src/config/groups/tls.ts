import { directive } from '../directive.js';
import { INT_MAX, integer, oneOf, text, yesNo } from '../kinds.js';

export const tls = {
  'tls-port': directive(integer(0, 65535), 0, 'Port for TLS connections; 0 for none.'),
  'tls-cert-file': directive(text('<path>'), '', 'Certificate of this server, PEM.', { reapply: true }),
  'tls-key-file': directive(text('<path>'), '', 'Private key of the certificate, PEM.', { reapply: true }),
  'tls-key-file-pass': directive(text(), '', 'Passphrase of the private key.', {
    reapply: true,
    secret: true,
  }),
  'tls-client-cert-file': directive(
    text('<path>'),
    '',
    'Certificate to show when this server is the client, if it is another one.',
    { reapply: true },
  ),
  'tls-client-key-file': directive(text('<path>'), '', 'Private key of the client certificate.', {
    reapply: true,
  }),
  'tls-client-key-file-pass': directive(text(), '', "Passphrase of the client certificate's key.", {
    reapply: true,
    secret: true,
  }),
  'tls-dh-params-file': directive(text('<path>'), '', 'Diffie-Hellman parameters, for old clients.', {
    reapply: true,
  }),
  'tls-ca-cert-file': directive(
    text('<path>'),
    '',
    "Authorities to trust for the peers' certificates, PEM.",
    {
      reapply: true,
    },
  ),
  'tls-ca-cert-dir': directive(text('<path>'), '', 'Directory of authorities to trust.', { reapply: true }),
  'tls-auth-clients': directive(
    oneOf(['no', 'yes', 'optional']),
    'yes',
    'Whether clients must show a certificate.',
  ),
  'tls-replication': directive(yesNo, false, 'Use TLS towards the master.'),
  'tls-cluster': directive(yesNo, false, 'Use TLS between the nodes of a cluster.', {
    inert: 'This server is no node of a cluster.',
  }),
  'tls-protocols': directive(text('<version> ...'), '', 'Versions to offer, as "TLSv1.2 TLSv1.3".', {
    reapply: true,
  }),
  'tls-ciphers': directive(text(), '', 'Ciphers to offer up to TLS 1.2, in OpenSSL notation.', {
    reapply: true,
  }),
  'tls-ciphersuites': directive(text(), '', 'Cipher suites to offer for TLS 1.3.', { reapply: true }),
  'tls-prefer-server-ciphers': directive(yesNo, false, "The server's order of ciphers decides.", {
    reapply: true,
  }),
  'tls-session-caching': directive(yesNo, true, 'Let clients resume sessions.', { reapply: true }),
  'tls-session-cache-size': directive(integer(0, INT_MAX), 20480, 'Sessions kept; 0 for no limit.', {
    reapply: true,
  }),
  'tls-session-cache-timeout': directive(integer(0, INT_MAX), 300, 'Seconds that a session is kept.', {
    reapply: true,
  }),
};
