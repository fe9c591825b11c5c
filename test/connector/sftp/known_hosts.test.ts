import { describe, expect, test } from '@jest/globals'
import { createHmac } from 'node:crypto'
import { fingerprint, lookUp } from '../../../src/connector/sftp/known_hosts.ts'

function keyOf(type: string, body: string): Buffer {
  const field = (text: string) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(text.length)
    return Buffer.concat([length, Buffer.from(text)])
  }
  return Buffer.concat([field(type), field(body)])
}

const key = keyOf('ssh-ed25519', 'ours')
const line = (names: string, of = key, type = 'ssh-ed25519') => `${names} ${type} ${of.toString('base64')} comment`
const server = { host: 'files.example.com', port: 22 }

describe('a known_hosts file', () => {
  test.each([
    ['its name', line('files.example.com'), 'known'],
    ['one of several names, in any case', line('other,Files.Example.com'), 'known'],
    ['a pattern', line('*.example.com'), 'known'],
    ['a pattern with an exception for it', line('*.example.com,!files.example.com'), 'unknown'],
    ['a hashed name', line(hashed('files.example.com')), 'known'],
    ['a hashed name of another server', line(hashed('other.example.com')), 'unknown'],
    ['a comment', `# ${line('files.example.com')}`, 'unknown'],
    ['another key of that type', line('files.example.com', keyOf('ssh-ed25519', 'theirs')), 'changed'],
    ['a key of another type', line('files.example.com', keyOf('ssh-rsa', 'theirs'), 'ssh-rsa'), 'unknown'],
    [
      'another key first, and then this',
      `${line('files.example.com', keyOf('ssh-ed25519', 'old'))}\n${line('files.example.com')}`,
      'known',
    ],
    ['a revocation of it', `@revoked ${line('*')}`, 'revoked'],
    ['an authority that signs keys', `@cert-authority ${line('files.example.com')}`, 'unknown'],
    ['nothing', '', 'unknown'],
  ])('with %s knows the server or does not', (_, file, expected) => {
    expect(lookUp(file, server, key)).toBe(expected)
  })

  test('tells a server at another port from the one at 22', () => {
    const other = { host: 'files.example.com', port: 2222 }
    expect(lookUp(line('files.example.com'), other, key)).toBe('unknown')
    expect(lookUp(line('[files.example.com]:2222'), other, key)).toBe('known')
  })
})

test('a fingerprint is written as ssh-keygen writes it', () => {
  expect(fingerprint(Buffer.from(''))).toBe('SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU')
})

function hashed(name: string): string {
  const salt = Buffer.alloc(20, 7)
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`
}
