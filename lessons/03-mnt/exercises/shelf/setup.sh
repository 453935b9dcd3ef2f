#!/bin/bash
mkdir shelf
