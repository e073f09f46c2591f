import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import globals from 'globals';
import tseslint from 'typescript-eslint';

/** Syntax of the house that has no rule of its own. */
const houseSyntax = [
  {
    selector: ':matches(Program, Program > ExportNamedDeclaration) > VariableDeclaration[kind="let"]',
    message: 'No mutable state at module level: it belongs to an object with an owner.',
  },
  {
    selector:
      ':matches(Program, Program > ExportNamedDeclaration) > VariableDeclaration > VariableDeclarator > :matches(ArrowFunctionExpression, FunctionExpression).init',
    message: 'At the top level, write a function declaration.',
  },
];
const noVoidPromise = {
  selector: 'UnaryExpression[operator="void"]',
  message:
    'A promise that nobody waits for goes to background(), which catches, counts and logs its rejection.',
};
const noDefaultExport = {
  selector: 'ExportDefaultDeclaration',
  message: 'Export by name, so that a thing has one name everywhere.',
};

export default defineConfig(
  globalIgnores(['**/dist/', '**/node_modules/', 'coverage/', 'bench/results/', 'objs/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    rules: {
      eqeqeq: 'error',
      'no-restricted-syntax': ['error', ...houseSyntax],
      'no-constant-condition': ['error', { checkLoops: false }],
    },
  },

  // TypeScript: every rule that the types make possible.
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { project: ['./tsconfig.tests.json'], tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      'no-restricted-syntax': ['error', ...houseSyntax, noDefaultExport],
      'max-lines': ['error', { max: 450, skipBlankLines: true, skipComments: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: false },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/restrict-plus-operands': ['error', { allowNumberAndString: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_' },
      ],
      '@typescript-eslint/no-empty-function': 'off',
      // An index loop over bytes is the fast form; and this pair wants `!`, which the house does not allow.
      '@typescript-eslint/prefer-for-of': 'off',
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
    },
  },
  {
    files: ['packages/server/src/**/*.ts'],
    ignores: ['**/*.test.ts', '**/test-kit.ts', 'packages/server/src/bench/**'],
    rules: { 'no-restricted-syntax': ['error', ...houseSyntax, noDefaultExport, noVoidPromise] },
  },
  {
    files: ['**/*.test.ts', 'test/**/*.ts', '**/*.bench.ts'],
    rules: {
      'max-lines': 'off',
      // Fakes implement asynchronous interfaces with nothing to wait for.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ regex: '/packages/', message: 'Import packages by name, through their exports.' }] },
      ],
    },
  },
  { files: ['*.config.ts'], rules: { 'no-restricted-syntax': ['error', ...houseSyntax] } },

  // Plain JavaScript: the scripts that run before anything is installed, and the browser's pages.
  { files: ['**/*.{js,mjs,cjs}'], languageOptions: { globals: globals.node } },
  {
    files: ['packages/server/public/**/*.js'],
    languageOptions: { globals: { ...globals.browser, mpegts: 'readonly', Hls: 'readonly' } },
  },
);
