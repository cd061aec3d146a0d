// What the linters of schemas find in SCHEMA (environment: a file), and how far its descriptions are those of the introspection that
// `ml` is shown: one JSON object on standard output, findings by tool.
import { readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import graphqlEslint from '@graphql-eslint/eslint-plugin';
import { diff } from '@graphql-inspector/core';
import { ESLint } from 'eslint';
import { buildClientSchema, buildSchema, getIntrospectionQuery } from 'graphql';
import linter from 'graphql-schema-linter';
import { tokens, url } from './context.mjs';

const { SCHEMA } = process.env;
const text = readFileSync(SCHEMA, 'utf8');
const DESCRIBED = {
  types: true, rootField: true, FieldDefinition: true, InputValueDefinition: true, EnumValueDefinition: true, DirectiveDefinition: true,
};

async function eslint() {
  const configuration = {
    files: ['*.graphql'],
    languageOptions: { parser: graphqlEslint.parser, parserOptions: { graphQLConfig: { schema: SCHEMA } } },
    plugins: { '@graphql-eslint': graphqlEslint },
    rules: {
      '@graphql-eslint/require-description': ['error', DESCRIBED],
      '@graphql-eslint/description-style': ['error', { style: 'block' }],
      '@graphql-eslint/no-hashtag-description': 'error',
    },
  };
  const options = { cwd: dirname(SCHEMA), overrideConfigFile: true, overrideConfig: configuration };
  const [file] = await new ESLint(options).lintFiles(basename(SCHEMA));
  return file.messages.map(({ line, message }) => `${line}: ${message}`);
}

function schemaLinter() {
  const rules = [
    'types-have-descriptions', 'fields-have-descriptions', 'arguments-have-descriptions', 'enum-values-have-descriptions',
    'input-object-values-have-descriptions', 'descriptions-are-capitalized', 'deprecations-have-a-reason',
  ];
  const schema = { definition: text };
  const configuration = new linter.configuration.Configuration(schema, { rules });
  return linter.validator.validateSchemaDefinition(schema, configuration.getRules(), configuration).map(({ message }) => message);
}

/** Descriptions told by introspection and not as published. */
async function inspector() {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${tokens.ml}` },
    body: JSON.stringify({ query: getIntrospectionQuery({ specifiedByUrl: true, inputValueDeprecation: true }) }),
  });
  const { data } = await response.json();
  const changes = await diff(buildSchema(text), buildClientSchema(data));
  return changes.filter(({ type }) => type.includes('DESCRIPTION')).map(({ message }) => message);
}

console.log(JSON.stringify({ eslint: await eslint(), schemaLinter: schemaLinter(), inspector: await inspector() }));
