import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { projectRoot } from '../../scripts/rig/processes.ts'
import { cases, elsewhere, fewCases, promisedCases } from './cases.ts'

describe('cases of the failpoint sweep', () => {
  test('the process dies at every failpoint that the code has, and at no other', () => {
    const folder = join(projectRoot, 'src')
    const inCode = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .flatMap((file) => [...readFileSync(join(folder, file), 'utf8').matchAll(/\bfailpoint\('([^']+)'\)/g)])
      .map(([, name]) => name)
    const swept = cases.map(({ failpoint }) => failpoint.replace(/#\d+$/, ''))
    expect([...new Set(swept), ...Object.keys(elsewhere)].sort()).toEqual([...new Set(inCode)].sort())
    for (const [failpoint, file] of Object.entries(elsewhere))
      expect(readFileSync(join(projectRoot, file), 'utf8')).toContain(`'${failpoint}'`)
  })

  test('no case is there twice, and the few are among the many', () => {
    const names = cases.map(({ scene, failpoint }) => `${scene} ${failpoint}`)
    expect(new Set(names).size).toBe(names.length)
    for (const few of [...fewCases, ...promisedCases]) expect(cases).toContainEqual(few)
  })
})
