import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root, workflowBundle } from '../src/temporal/bundle.ts'

/** Makes `dist/`, what the package holds: Node strips no types below node_modules, and nobody there should need a bundler. */
const dist = join(root, 'dist')
rmSync(dist, { recursive: true, force: true })
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
execFileSync(process.execPath, [compiler, '-p', join(root, 'tsconfig.build.json')], { stdio: 'inherit' })
const cache = mkdtempSync(join(tmpdir(), 'stevedore-build-'))
try {
  copyFileSync(await workflowBundle({ cache }), join(dist, 'workflow-bundle.js'))
} finally {
  rmSync(cache, { recursive: true, force: true })
}
