import { describe, expect, it } from 'vitest';

import { OutboundRule } from './outbound.ts';

const rule = new OutboundRule(() => ['192.168.1.0/24', 'fd00::1']);

function lookUp(name: string, of: OutboundRule, all = false): Promise<unknown> {
  return new Promise((resolve, reject) => {
    of.lookup(name, { all }, (error, address) => {
      if (error === null) resolve(address);
      else reject(error);
    });
  });
}

describe('URLs of others (SSRF)', () => {
  it.each([
    'http://93.184.216.34/',
    'https://93.184.216.34:8443/x?y',
    'http://[2606:2800:220:1::1]/',
    'http://example.com/',
    'http://192.168.1.7/',
    'http://[fd00::1]/',
  ])('S002 %s may be requested', (url) => {
    expect(rule.urlProblem(url)).toBeUndefined();
  });

  it.each([
    'file:///etc/passwd',
    'ftp://93.184.216.34/',
    'gopher://93.184.216.34/',
    'rtmp://93.184.216.34/live',
    'no url',
    'http://127.0.0.1:1985/',
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f.0.0.1/',
    'http://0/',
    'http://0.0.0.0/',
    'http://10.1.2.3/',
    'http://100.64.0.1/',
    'http://169.254.169.254/latest/meta-data/',
    'http://172.31.255.255/',
    'http://192.168.2.1/',
    'http://198.18.0.1/',
    'http://224.0.0.1/',
    'http://255.255.255.255/',
    'http://[::1]/',
    'http://[::]/',
    'http://[::127.0.0.1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:7f00:1]/',
    'http://[64:ff9b::7f00:1]/',
    'http://[2002:7f00:1::]/',
    'http://[fc00::1]/',
    'http://[fe80::1]/',
    'http://[ff02::1]/',
  ])('S002 %s may not', (url) => {
    expect(rule.urlProblem(url)).toEqual(expect.any(String));
  });

  it('S002 a name is looked at when it is resolved', async () => {
    await expect(lookUp('localhost', rule)).rejects.toThrow(/localhost: (127|::1).*is not a public address/);
    const open = new OutboundRule(() => ['127.0.0.0/8', '::1']);
    expect(await lookUp('localhost', open)).toMatch(/^(127\.|::1)/);
    expect(await lookUp('localhost', open, true)).toMatchObject([{ family: expect.any(Number) as number }]);
    await expect(lookUp('nobody.invalid', open)).rejects.toThrow();
  });
});
