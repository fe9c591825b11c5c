import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Oracle } from './bench.ts'

/** Reads and changes a repository with Subversion's own tools, past the server. */
export class Subversion {
  readonly #repository: string
  readonly #owner: { uid: number; gid: number }
  readonly #config: string

  constructor(repository: string) {
    this.#repository = repository
    const { uid, gid } = statSync(join(repository, 'db'))
    this.#owner = { uid, gid }
    this.#config = join(repository, 'locks')
    mkdirSync(this.#config, { recursive: true })
  }

  run(tool: 'svn' | 'svnmucc' | 'svnadmin', args: readonly string[]): Buffer {
    const quiet = tool === 'svnadmin' ? [] : ['--non-interactive', '--no-auth-cache', '--config-dir', this.#config]
    // What it makes there, the server has to be able to change.
    const options = {
      ...this.#owner,
      stdio: 'pipe',
      env: { ...process.env, HOME: this.#config, LC_ALL: 'C.UTF-8' },
    } as const
    return execFileSync(tool, [...quiet, ...args], { ...options, maxBuffer: 64 * 1024 * 1024 })
  }

  put(url: string, content: Uint8Array): void {
    const file = join(this.#config, 'content')
    writeFileSync(file, content)
    this.run('svnmucc', ['-m', '', 'put', file, url])
  }

  url(path: readonly string[]): string {
    return [pathToFileURL(this.#repository).href, ...path.map(encodeURIComponent)].join('/')
  }

  /** Transactions that are neither committed nor given up. */
  transactions(): string[] {
    return this.run('svnadmin', ['lstxns', this.#repository]).toString().split('\n').filter(Boolean)
  }
}

/** @param root names from the repository's root down */
export function svnOracle(svn: Subversion, root: readonly string[]): Oracle {
  // A tool takes what is behind an @ for a revision; an empty one is none.
  const at = (path: readonly string[]) => svn.url([...root, ...path])
  const content = (path: readonly string[]) => {
    try {
      return svn.run('svn', ['cat', `${at(path)}@`])
    } catch {
      return null
    }
  }
  return {
    content,
    put: (path, content) => svn.put(at(path), content),
    makeContainer: (path) => void svn.run('svnmucc', ['-m', '', 'mkdir', at(path)]),
    remove: (path) => void svn.run('svnmucc', ['-m', '', 'rm', at(path)]),
    names: (path) => {
      const listed = svn
        .run('svn', ['ls', `${at(path)}@`])
        .toString()
        .split('\n')
      const there = listed.filter(Boolean).map((name) => name.replace(/\/$/, ''))
      return path.length > 0 ? there : [...there, ...svn.transactions().map((name) => `transaction ${name}`)]
    },
    modifiedNs(path) {
      const properties = svn.run('svn', ['proplist', '-v', `${at(path)}@`]).toString()
      const hash = createHash('sha1')
        .update(content(path) ?? '')
        .digest('hex')
      const [, sign, seconds, fraction] = new RegExp(`(-?)(\\d+)\\.(\\d{9}) ${hash}`).exec(properties) ?? []
      if (seconds === undefined) {
        const changed = svn
          .run('svn', ['info', '--show-item', 'last-changed-date', `${at(path)}@`])
          .toString()
          .trim()
        return BigInt(Math.floor(Date.parse(changed) / 1000)) * 1_000_000_000n
      }
      const ns = BigInt(seconds) * 1_000_000_000n + BigInt(fraction!)
      return sign === '-' ? -ns : ns
    },
  }
}
