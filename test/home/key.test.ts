import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KeyError, keyOf, openKey } from '../../src/home/key.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stevedore-key-'))
  file = join(folder, 'key')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('a key is 32 bytes that only its owner may read, and opens what it sealed before', () => {
  const sealed = openKey(file).seal('pässword', 'connection 1')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(readFileSync(file)).toHaveLength(32)
  expect(readdirSync(folder)).toEqual(['key'])
  expect(openKey(file).unseal(sealed, 'connection 1')).toBe('pässword')
})

test('the same text is sealed differently every time and never shows', () => {
  const key = openKey(file)
  const [one, two] = [key.seal('password', 'p'), key.seal('password', 'p')]
  expect(one).not.toBe(two)
  expect(Buffer.from(one).includes('password')).toBe(false)
})

test('another key, another purpose, a changed or a cut text: refused with what to do', () => {
  const key = openKey(file)
  const sealed = key.seal('password', 'connection 1')
  expect(() => keyOf(new Uint8Array(32)).unseal(sealed, 'connection 1')).toThrow(/put the former `key` file back/)
  expect(() => key.unseal(sealed, 'connection 2')).toThrow(KeyError)
  for (let at = 12; at < sealed.length; at += 7) {
    const changed = sealed.slice(0, at) + (sealed[at] === 'A' ? 'B' : 'A') + sealed.slice(at + 1)
    expect(() => key.unseal(changed, 'connection 1')).toThrow(KeyError)
  }
  expect(() => key.unseal(sealed.slice(0, 20), 'connection 1')).toThrow(/damaged/)
  expect(() => key.unseal('password', 'connection 1')).toThrow(/unknown form/)
})

test('a key that others can read, or a damaged one, is refused and left as it is', () => {
  openKey(file)
  chmodSync(file, 0o644)
  expect(() => openKey(file)).toThrow(/open to others/)
  chmodSync(file, 0o600)
  writeFileSync(file, 'short')
  expect(() => openKey(file)).toThrow(/damaged: 5 bytes/)
  expect(readFileSync(file, 'utf8')).toBe('short')
})

test('processes that make the key at once end up with the same one', async () => {
  const script = `
    const { openKey } = await import(${JSON.stringify(import.meta.resolve('../../src/home/key.ts'))})
    process.stdout.write(openKey(${JSON.stringify(file)}).seal('x', 'p'))`
  const sealed = await Promise.all(
    Array.from({ length: 4 }, () => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let said = ''
      child.stdout.on('data', (text: Buffer) => (said += text.toString()))
      return new Promise<string>((resolve) => child.on('close', () => resolve(said)))
    }),
  )
  const key = openKey(file)
  expect(sealed.map((text) => key.unseal(text, 'p'))).toEqual(['x', 'x', 'x', 'x'])
})
