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

test('a megabyte of dots takes no time, for the log or for an answer', () => {
  const dots = 'a.'.repeat(500_000)
  const started = performance.now()
  expect([redact({ dots }), redactForLog({ dots })]).toEqual([{ dots }, { dots }])
  expect(performance.now() - started).toBeLessThan(2_000)
})
