import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** Paths in a manifest are relative to the root of the project. */
export const root = fileURLToPath(new URL('../../', import.meta.url))

/** What a bundle was made of; while all of it is unchanged the bundle holds. */
export interface Manifest {
  sdk: string
  /** SHA-256 of each file of ours in it. */
  sources: Record<string, string>
}

export interface BundlePlan {
  entry: string
  folder: string
  codePath: string
  manifestPath: string
  sdk: string
}

interface BundleOptions {
  cache: string
  /** Another entry than our workflows; for tests. */
  workflowsPath?: string
}

/** Published, the bundle is part of the package, beside the compiled `src`: see scripts/build.ts. */
const published = import.meta.url.endsWith('.js')
  ? fileURLToPath(new URL('../../workflow-bundle.js', import.meta.url))
  : undefined

/**
 * The workflow code as the worker loads it. In the repository it is made once, which takes seconds, and kept in the cache
 * for as long as none of the files in it changes.
 *
 * @returns path of the bundle
 */
export async function workflowBundle({ cache, workflowsPath }: BundleOptions): Promise<string> {
  if (published !== undefined) return published
  const entry = workflowsPath ?? join(root, 'workflows', 'index.ts')
  const folder = join(cache, 'workflows')
  const name = sha256(entry).slice(0, 16)
  const plan: BundlePlan = {
    entry,
    folder,
    codePath: join(folder, `${name}.js`),
    manifestPath: join(folder, `${name}.json`),
    sdk: sdkVersion(),
  }
  if (!holds(plan)) await make(plan)
  return plan.codePath
}

/** In a process of its own: the bundler would keep 200 MB of a worker's memory for good, and its event loop busy. */
async function make(plan: BundlePlan): Promise<void> {
  const maker = fileURLToPath(new URL('./make_bundle.ts', import.meta.url))
  try {
    await promisify(execFile)(process.execPath, [maker, JSON.stringify(plan)], { timeout: 120_000 })
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string }
    throw new Error(`the workflow code could not be bundled:\n${stderr?.trim() || message}`, { cause: error })
  }
}

function holds({ manifestPath, sdk }: BundlePlan): boolean {
  try {
    const manifest = JSON.parse(readFileSync(manifestPath, 'utf8')) as Manifest
    const files = Object.entries(manifest.sources)
    const isSame = ([file, hash]: [string, string]): boolean => sha256(readFileSync(join(root, file))) === hash
    return manifest.sdk === sdk && files.length > 0 && files.every(isSame)
  } catch {
    return false
  }
}

function sdkVersion(): string {
  const url = new URL(import.meta.resolve('@temporalio/worker/package.json'))
  return (JSON.parse(readFileSync(url, 'utf8')) as { version: string }).version
}

export function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}
