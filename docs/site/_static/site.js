// The icons are dressed by site.css: their library would write a sheet into the page, which its policy forbids.
