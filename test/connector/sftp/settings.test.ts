import { expect, test } from '@jest/globals'
import { sftp } from '../../../src/connector/sftp/sftp.ts'

const good = { host: 'files.example.com', username: 'me', agent: 'env' }

test('settings that are all there have no problems', () => {
  expect(sftp.check(good)).toEqual([])
  expect(sftp.check({ ...good, port: 2222, host_key: `SHA256:${'A'.repeat(43)}`, root: '/in' })).toEqual([])
})

test.each([
  [{ username: 'me', agent: 'env' }, 'host: required'],
  [{ ...good, port: 0 }, 'port: 0 is not a port, 1 to 65535'],
  [
    { ...good, host_key: 'MD5:aa:bb' },
    'host_key: is not a fingerprint of the form SHA256:…, as ssh-keygen -l prints it',
  ],
  [
    { ...good, host_key: `SHA256:${'A'.repeat(43)}`, known_hosts: '/x' },
    'known_hosts: says the same as host_key; give one of them',
  ],
  [{ host: 'h', username: 'me' }, 'password: give one of password, private_key, private_key_file, agent'],
  [{ ...good, usernam: 'x' }, 'usernam: unknown setting; did you mean username?'],
])('%j is told as wrong, and how', (auth, problem) => {
  expect(sftp.check(auth)).toContain(problem)
})
