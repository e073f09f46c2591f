import { describe, expect, it } from 'vitest';

import { loadConfig } from '../config/index.ts';
import { guardWarnings } from './guard-warnings.ts';

const token = 'token { enabled on; secret YWJvdXQtNDAtcmFuZG9tLWNoYXJhY3RlcnM; }';

function warnings(text: string): string[] {
  return guardWarnings(loadConfig({ text: `listen 1935; ${text}`, env: {} }));
}

describe('guardWarnings', () => {
  it.each([
    ['vhost a { hls { enabled on; } }', []],
    [`vhost a { ${token} hls { enabled on; hls_path ./media; } }`, []],
    [`vhost a { ${token} hls { enabled on; hls_storage ram; } }`, []],
    [`vhost a { ${token} hls { enabled on; } }`, [/nginx\/html.*Another web server/]],
    [
      `vhost a { ${token} dvr { enabled on; dvr_path /var/www/[app]/[stream].flv; } }`,
      [/\/var\/www\. Another/],
    ],
    [`vhost a { refer { enabled on; } hds { enabled on; hds_path /srv/http; } }`, [/\/srv\/http\. Another/]],
    [`vhost a { ${token} hls { enabled on; hls_path ./m; hls_ts_ctx off; } }`, [/hls_ts_ctx/]],
    [
      `vhost a { ${token} hls { enabled on; hls_path ./m; } } vhost b { hls { enabled on; hls_path ./m/; } }`,
      [/vhosts a, b write files named .*\/m\/\[app\]\/\[stream\]\.m3u8\./],
    ],
    [
      `vhost a { ${token} hls { enabled on; hls_path ./m/a; } } vhost b { hls { enabled on; hls_path ./m/b; } }`,
      [],
    ],
  ])('S001 %s', (text, wanted) => {
    const found = warnings(text);
    expect(found).toHaveLength(wanted.length);
    for (const [index, pattern] of wanted.entries()) expect(found[index]).toMatch(pattern);
  });
});
