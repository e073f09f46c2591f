import { describe, expect, it } from 'vitest';

import { publicUrl } from './public-url.ts';

describe('publicUrl', () => {
  it.each([
    ['rtmp://localhost/live', 'rtmp://localhost/live'],
    ['rtmp://localhost/live?token=abc', 'rtmp://localhost/live'],
    ['rtmp://localhost/live?k=abc&vhost=a.example.com&sign=1', 'rtmp://localhost/live?vhost=a.example.com'],
    ['rtmp://localhost/live?k=abc&domain=a.example.com', 'rtmp://localhost/live?vhost=a.example.com'],
    ['rtmp://localhost/live?vhost=%20&x', 'rtmp://localhost/live?vhost=%20'],
    ['rtmp://user:pass@localhost/live', 'rtmp://***@localhost/live'],
    ['rtmp://localhost/live...token...abc', 'rtmp://localhost/live...token...***'],
    ['', ''],
  ])('A005 %s is shown as %s', (url, shown) => {
    expect(publicUrl(url)).toBe(shown);
  });
});
