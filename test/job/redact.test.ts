import { expect, test } from '@jest/globals'
import { redact as redactForLog } from '../../src/home/redact.ts'
import { redact } from '../../src/job/redact.ts'

test('of a connection only what is known to be harmless is shown', () => {
  const document = {
    name: 'x',
    old_store: 'AccountName=x;AccountKey=hush',
    transfer: {
      source: {
        connection: {
          platform: { id: 'sftp' },
          auth: {
            root: '/data',
            port: 22,
            uri: 'sftp://me:pw@host/x',
            username: 'me',
            password: 'pw',
            app_token: 't',
            odd: 's',
          },
        },
      },
      destination: { connection: { platform: { id: 'x' }, auth: 'all of it' } },
      account_map: { ldap: { servers: [{ name: 'dc', password: 'pw' }] } },
    },
  }
  expect(redact(document)).toEqual({
    name: 'x',
    old_store: '[redacted]',
    transfer: {
      source: {
        connection: {
          platform: { id: 'sftp' },
          auth: {
            root: '/data',
            port: 22,
            uri: 'sftp://host/x',
            username: '[redacted]',
            password: '[redacted]',
            app_token: '[redacted]',
            odd: '[redacted]',
          },
        },
      },
      destination: { connection: { platform: { id: 'x' }, auth: '[redacted]' } },
      account_map: { ldap: { servers: [{ name: 'dc', password: '[redacted]' }] } },
    },
  })
})

test('the log hides by the same rules, line by line', () => {
  const pem = '-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----'
  expect(
    redactForLog({
      secretary: 'Jane',
      ftpPassword: 'hush',
      'sftp://me:hush@host': 1,
      text: `first\nServer=db;Password=hush\nread sftp://me:hush@host/x\n${pem} after`,
      address: 'https://host/a?sig=hush',
    }),
  ).toEqual({
    secretary: 'Jane',
    ftpPassword: '[redacted]',
    'sftp://[redacted]@host': 1,
    text: 'first\n[redacted]\nread sftp://[redacted]@host/x\n[redacted] after',
    address: '[redacted]',
  })
})

test('a megabyte of dots takes no time, for the log or for an answer', () => {
  const dots = 'a.'.repeat(500_000)
  const started = performance.now()
  expect([redact({ dots }), redactForLog({ dots })]).toEqual([{ dots }, { dots }])
  const keys = '-----BEGIN PRIVATE KEY-----'.repeat(30_000)
  expect(redactForLog(keys)).toBe('[redacted]')
  redactForLog('A'.repeat(1_000_000))
  redactForLog({ ['A'.repeat(1_000_000)]: 1 })
  expect(performance.now() - started).toBeLessThan(2_000)
})
