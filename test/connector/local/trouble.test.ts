import { constants } from 'node:os'
import { expect, test } from '@jest/globals'
import { mayBeTheRoots, errno, troubleOf } from '../../../src/connector/local/trouble.ts'

const { EDQUOT, ESTALE } = constants.errno

/** As Node's calls that block say it, its promised ones, and fs-xattr. */
const waysToSay = (number: number): object[] => [
  Object.assign(new Error('UNKNOWN: unknown error, write'), { errno: -number, code: 'UNKNOWN', syscall: 'write' }),
  Object.assign(new Error(`Unknown system error -${number}`), {
    errno: -number,
    code: `Unknown system error -${number}`,
  }),
  Object.assign(new Error('Disk quota exceeded'), { errno: number, code: '' }),
]

test('an exceeded quota is trouble with the connection, as a full disk is, although Node has no name for it', () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { errno: -28, code: 'ENOSPC' })
  for (const error of [full, ...waysToSay(EDQUOT)])
    expect(troubleOf(error, 'a.txt')).toMatchObject({ code: 'QuotaExceeded', kind: 'connection', id: 'a.txt' })
})

test('a stale handle is something that is gone, and maybe the root', () => {
  for (const error of waysToSay(ESTALE)) {
    expect(troubleOf(error, 'a.txt')).toMatchObject({ code: 'NotFound' })
    expect(mayBeTheRoots(errno(error))).toBe(true)
  }
})

test('what has a name keeps it, and what nobody knows is the item’s own failure', () => {
  expect(errno(Object.assign(new Error(), { errno: -2, code: 'ENOENT' }))).toBe('ENOENT')
  const unknown = Object.assign(new Error(), { errno: -200, code: 'UNKNOWN' })
  expect(troubleOf(unknown, 'a.txt')).toMatchObject({ code: 'ItemFailed', kind: 'item' })
})
