create database {{ name | ident }} template template0 encoding 'UTF8'
