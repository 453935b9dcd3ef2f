#!/bin/bash
echo precious > keep
chmod 644 keep
